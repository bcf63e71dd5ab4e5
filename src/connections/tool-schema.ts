import type { ToolSurface } from '@gatehouse/contracts'

/** Objects and arrays of one tool's schemas. Hand-written and generated ones have tens. */
const MAX_NODES = 10_000
const REFERENCES: ReadonlySet<string> = new Set(['$ref', '$dynamicRef', '$recursiveRef'])

/**
 * Why a tool may not be offered for its schemas' sake, in words that follow "its schema", or `undefined`. A reference to somewhere else would have
 * whoever reads the schema next, the editor for one, fetch what nobody has reviewed. Depth is bounded by the digest (64).
 */
export function schemaFault({ inputSchema, outputSchema }: ToolSurface): string | undefined {
  const waiting: unknown[] = [inputSchema, outputSchema]
  for (let nodes = 0; waiting.length > 0; nodes++) {
    if (nodes > MAX_NODES) return `has more than ${MAX_NODES} parts`
    const node = waiting.pop()
    if (typeof node !== 'object' || node === null) continue
    for (const [key, value] of Object.entries(node)) {
      if (typeof value === 'object') waiting.push(value)
      else if (typeof value === 'string' && REFERENCES.has(key) && !value.startsWith('#')) {
        return 'refers to another one elsewhere, which is not fetched'
      }
    }
  }
  return undefined
}
