import { createInterface } from 'node:readline'
import { GatehouseError } from '@gatehouse/contracts'
import { parseMessage, WORDS } from './message.ts'
import { forTerminal, sayAnswer } from './say-answer.ts'
import type { TeamChat } from './team-chat.ts'

export interface ConversationOptions {
  readonly chat: TeamChat
  readonly prompt: string
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
}

/**
 * Messages from a person, line by line, until they leave: `quit`, the end of the input, or Ctrl-C while nothing runs. While something runs, Ctrl-C
 * stops that alone.
 */
export async function converse({ chat, prompt, input, output }: ConversationOptions): Promise<void> {
  const terminal = 'isTTY' in output && output.isTTY === true
  const lines = createInterface({ input, output, prompt, terminal, completer: completeWord, historySize: 100 })
  let running: AbortController | undefined
  lines.on('SIGINT', () => {
    if (running) running.abort()
    else lines.close()
  })
  if (terminal) lines.prompt()
  for await (const line of lines) {
    running = new AbortController()
    const stay = await answerLine(chat, line, running.signal, (text) => void output.write(`${text}\n`))
    running = undefined
    if (!stay) break
    if (terminal) lines.prompt()
  }
  lines.close()
}

/** @returns whether the person stays */
async function answerLine(
  chat: TeamChat,
  line: string,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<boolean> {
  try {
    const message = parseMessage(line)
    if (message.kind === 'quit') return false
    if (message.kind !== 'nothing') say(sayAnswer(await chat.answer(message, signal)))
  } catch (error) {
    if (signal.aborted) say('Stopped.')
    else if (error instanceof GatehouseError) say(`${forTerminal(error.message)} (${error.code})`)
    else throw error
  }
  return true
}

/** Of the first word alone: what follows depends on the server. */
function completeWord(line: string): [string[], string] {
  return [WORDS.filter((word) => word.startsWith(line)), line]
}
