import type { ContentBlock } from '@modelcontextprotocol/sdk/types.js'
import { type Content, textOf } from '../connections/content.ts'

/** Over about 60 kB VS Code writes a result to a file and tells the model to read that. Bytes of UTF-8. */
export const MAX_TEXT = 56_000
/** Images, audio and blobs of one result together, characters of base64. */
const MAX_MEDIA = 4_000_000

/**
 * Blocks as VS Code takes them (MCP 2025-11-25, ContentBlock), in their order. Text past `maxText` bytes is cut, media past 4 MB is left out,
 * and a link to a resource is told in words where `links` says that this definition has none to read.
 */
export function editorContent(
  blocks: readonly Content[],
  { links, maxText = MAX_TEXT }: { readonly links: boolean; readonly maxText?: number },
): ContentBlock[] {
  let text = maxText
  let media = MAX_MEDIA
  return blocks.map((block) => {
    if (block.type === 'resource_link') return links ? block : textBlock(textOf(block), block)
    const bytes = bytesOf(block)
    if (bytes !== undefined) {
      if (bytes.length > media) return textBlock(`[${block.type} left out: ${kilobytes(bytes.length)}]`, block)
      media -= bytes.length
      return block
    }
    const whole = textOf(block)
    const size = Buffer.byteLength(whole)
    const fits = size <= text
    const shown = fits ? whole : cut(whole, text)
    text = Math.max(0, text - size)
    return fits ? block : textBlock(shown, block)
  })
}

/** Cuts to a number of bytes without splitting a code point. */
export function cut(text: string, bytes = MAX_TEXT): string {
  const size = Buffer.byteLength(text)
  if (size <= bytes) return text
  const kept = new TextDecoder().decode(Buffer.from(text).subarray(0, bytes)).replace(/\uFFFD+$/, '')
  return `${kept}\n[cut here: the whole has ${kilobytes(size)}]`
}

function bytesOf(block: Content): string | undefined {
  if (block.type === 'image' || block.type === 'audio') return block.data
  return block.type === 'resource' && 'blob' in block.resource ? block.resource.blob : undefined
}

function textBlock(text: string, { annotations }: Content): ContentBlock {
  return { type: 'text', text, ...(annotations && { annotations }) }
}

function kilobytes(size: number): string {
  return `${Math.ceil(size / 1000)} kB`
}
