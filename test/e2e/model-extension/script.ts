/** One message of the conversation as the model sees it. */
export interface Turn {
  readonly text: string
  readonly results: readonly string[]
}

export type Move =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'call'; readonly id: string; readonly tool: string; readonly arguments: Record<string, unknown> }

const DIRECTIVE = /^\s*call (\S+) (\{.*\})\s*$/gm

/**
 * The person's prompt holds lines `call TOOL {"json":"arguments"}`, separated by `;;` where the chat input takes one line. The model makes
 * those calls one after another, or all at once where the prompt says `together`, and then repeats the results as its answer.
 */
export function nextMove(turns: readonly Turn[], tools: readonly string[]): readonly Move[] {
  const start = turns.findLastIndex((turn) => directives(turn.text).length > 0)
  const prompt = turns[start]
  if (!prompt) return [{ kind: 'text', text: `I have ${tools.length} tools: ${tools.join(', ')}` }]
  const calls = directives(prompt.text)
  const results = turns.slice(start + 1).flatMap((turn) => turn.results)
  const wanted = /\btogether\b/.test(prompt.text) ? calls : calls.slice(results.length, results.length + 1)
  if (results.length >= calls.length) return [{ kind: 'text', text: `Results:\n\n${results.join('\n\n')}` }]
  return wanted.map((call, index): Move => {
    const name = tools.find((tool) => tool === call.tool || tool.endsWith(`_${call.tool}`))
    if (!name) return { kind: 'text', text: `There is no tool ${call.tool}; there are: ${tools.join(', ')}` }
    return { kind: 'call', id: `call-${start}-${results.length + index}`, tool: name, arguments: call.arguments }
  })
}

function directives(text: string): { tool: string; arguments: Record<string, unknown> }[] {
  const lines = text.replaceAll(';;', '\n')
  return [...lines.matchAll(DIRECTIVE)].map((match) => ({
    tool: match[1] ?? '',
    arguments: JSON.parse(match[2] ?? '{}') as Record<string, unknown>,
  }))
}
