import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import type { ToolOutcome } from '../connections/types.ts'
import { cut, editorContent, MAX_TEXT } from './editor-content.ts'

/** Beside structured content, which holds everything, the text is for a reader. */
const BESIDE = 2000

/**
 * A result as VS Code's chat takes it: of `structuredContent` and text the model gets the structured part alone, and of an error the text
 * alone, so the first must hold everything and the second must say that it failed. `links`: whether this definition has resources to read.
 */
export function chatResult(outcome: ToolOutcome, links = false): CallToolResult {
  if (outcome.isError) {
    return { isError: true, content: [textBlock(`Failed${codeWords(outcome)}: ${cut(outcome.text)}`)] }
  }
  const blocks = (maxText: number) =>
    outcome.content ? editorContent(outcome.content, { links, maxText }) : [textBlock(cut(outcome.text, maxText))]
  if (!outcome.structured) return { content: blocks(MAX_TEXT) }
  const json = JSON.stringify(outcome.structured)
  if (Buffer.byteLength(json) <= MAX_TEXT) return { content: blocks(BESIDE), structuredContent: outcome.structured }
  const size = Math.ceil(Buffer.byteLength(json) / 1000)
  // An image comes in both, as a picture and as its bytes; of these the beginning would be of no use.
  if (outcome.content) {
    const note = textBlock(`The structured result is too large for the chat (${size} kB), so only its content follows.`)
    return { content: [note, ...blocks(MAX_TEXT - 200)] }
  }
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
