import type { PromptSurface, ResourceSurface, ToolSurface } from '@gatehouse/contracts'

/** Values in what one tool says of itself. Hand-written and generated ones have tens. */
const MAX_NODES = 10_000
const REFERENCES: ReadonlySet<string> = new Set(['$ref', '$dynamicRef', '$recursiveRef'])
/**
 * Characters with which text can say one thing to a reader and another to a model: controls (ANSI codes among them), bidirectional
 * overrides and isolates (CVE-2021-42574), zero-width ones that no script needs, tags and variation selectors that can carry letters
 * (U+E0000 to U+E01EF).
 */
const UNSEEN =
  /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u200B\u202A-\u202E\u2060-\u206F\uFEFF\u{E0000}-\u{E01EF}]/u

/**
 * Why a reviewed tool may not be offered all the same, in words that follow "is not offered:", or `undefined`. A reference to somewhere
 * else would have whoever reads the schema next, the editor for one, fetch what nobody has reviewed; a reviewer cannot have read what
 * cannot be seen. Depth is bounded by the digest (64).
 */
export function toolFault(tool: ToolSurface | PromptSurface | ResourceSurface): string | undefined {
  const waiting: unknown[] = [tool]
  for (let nodes = 0; waiting.length > 0; nodes++) {
    if (nodes > MAX_NODES) return `it describes itself in more than ${MAX_NODES} parts`
    const node = waiting.pop()
    if (typeof node === 'string' && UNSEEN.test(node)) return 'it describes itself with characters that cannot be seen'
    if (typeof node !== 'object' || node === null) continue
    for (const [key, value] of Object.entries(node)) {
      if (UNSEEN.test(key)) return 'it describes itself with characters that cannot be seen'
      if (typeof value === 'string' && REFERENCES.has(key) && !value.startsWith('#')) {
        return 'its schema refers to another one elsewhere, which is not fetched'
      }
      waiting.push(value)
    }
  }
  return undefined
}
