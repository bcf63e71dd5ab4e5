import type { ListedServer } from '@gatehouse/contracts'
import type { Answer, OfferedTool } from './answer.ts'
import { HELP } from './message.ts'

/** An answer as a person reads it in the channel. */
export function sayAnswer(answer: Answer): string {
  return forTerminal(words(answer))
}

/**
 * Text of servers at a terminal: without the control characters that would move its cursor or change its title (ECMA-48), and without the marks that
 * would turn the order of what is read (Unicode, bidirectional formatting).
 */
export function forTerminal(text: string): string {
  return text.replaceAll(/[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/g, '\ufffd')
}

function words(answer: Answer): string {
  switch (answer.kind) {
    case 'help':
      return HELP
    case 'servers':
      return answer.servers.length === 0
        ? 'There is nothing that you may use here.'
        : answer.servers.map(serverLine).join('\n')
    case 'tools':
      return answer.tools.length === 0
        ? 'There is no tool that you may call here.'
        : answer.tools.map(toolLines).join('\n')
    case 'result':
      return answer.text
    case 'failed':
      return [
        `That did not work: ${answer.message} (${answer.code})`,
        ...(answer.next === undefined ? [] : [answer.next]),
      ].join('\n')
    case 'denied':
      return `Not here: ${answer.reason}`
    case 'approval_required':
      return [
        `This waits for an approval: ${answer.summary}`,
        `Nothing has run. I cannot approve it, whoever asks me: do it in the editor, where ${answer.server} asks you in Plans.`,
      ].join('\n')
  }
}

function serverLine(server: ListedServer): string {
  if (server.access === 'denied') return `  (${server.id}) ${server.title}: ${server.reason}`
  const { id, title, description, tools } = server.record
  return `  ${id}  ${title}: ${description} (${tools.length} ${tools.length === 1 ? 'tool' : 'tools'})`
}

function toolLines({ server, name, title, effect, description }: OfferedTool): string {
  const approval = effect === 'read' ? '' : ', waits for an approval in the editor'
  return `  ${server} ${name}  ${title}${approval}\n      ${description}`
}
