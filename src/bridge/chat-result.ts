import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import type { ToolOutcome } from '../connections/types.ts'

/** Over about 60 kB VS Code writes a result to a file and tells the model to read that. Bytes of UTF-8. */
const MAX_BYTES = 56_000

/**
 * A result as VS Code's chat takes it: of `structuredContent` and text the model gets the structured part alone, and of an error the text
 * alone, so the first must hold everything and the second must say that it failed.
 */
export function chatResult(outcome: ToolOutcome): CallToolResult {
  if (outcome.isError) {
    return { isError: true, content: [textBlock(`Failed${codeWords(outcome)}: ${cut(outcome.text)}`)] }
  }
  if (!outcome.structured) return { content: [textBlock(cut(outcome.text))] }
  const json = JSON.stringify(outcome.structured)
  if (Buffer.byteLength(json) <= MAX_BYTES) {
    return { content: [textBlock(cut(outcome.text, 2000))], structuredContent: outcome.structured }
  }
  const size = Math.ceil(Buffer.byteLength(json) / 1000)
  return {
    content: [
      textBlock(
        cut(
          `The result is too large for the chat (${size} kB), so only its beginning follows. Ask for less, or for the next page.\n${outcome.text}\n${json}`,
        ),
      ),
    ],
  }
}

/** The code, unless the words say it already, as those of a server do. */
function codeWords({ code, text }: ToolOutcome): string {
  return code === undefined || text.includes(`(${code})`) ? '' : ` (${code})`
}

function textBlock(text: string): { type: 'text'; text: string } {
  return { type: 'text', text }
}

/** Cuts to a number of bytes without splitting a code point. */
function cut(text: string, bytes = MAX_BYTES): string {
  if (Buffer.byteLength(text) <= bytes) return text
  const kept = new TextDecoder().decode(Buffer.from(text).subarray(0, bytes)).replace(/\uFFFD+$/, '')
  return `${kept}\n[cut here: the whole has ${Math.ceil(Buffer.byteLength(text) / 1000)} kB]`
}
