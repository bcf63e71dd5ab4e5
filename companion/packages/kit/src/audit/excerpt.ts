import { hash } from 'node:crypto'
import type { AuditEvent } from '@gatehouse/contracts'

const MAX_EXCERPT = 2000
const FIELD = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/

export interface Output {
  readonly structured?: unknown
  readonly text: string
  /** Attached to a tool's result; their types are ours. */
  readonly content?: readonly { readonly type: string }[] | undefined
}

/**
 * What the audit holds of a result: size, digest, and an excerpt that says its shape.
 *
 * The rule: **no character of the result is copied.** The excerpt has only counts, the names of JSON types, and names from `fields`, the top
 * level of the output schema, which reviewers have read and data cannot choose. No value, no nested key (a map may be keyed by data), and no
 * line of the text (any line may hold a row) is ever quoted; a field that `fields` does not name is counted as "other".
 */
export function excerptOf(output: Output, fields: readonly string[] = []): NonNullable<AuditEvent['output']> {
  const { structured, text, content } = output
  const serialized = JSON.stringify({ structured, text, ...(content && { content }) })
  const lines = text === '' ? 0 : text.split('\n').length
  const attached = content ? `; attached: ${content.map(({ type }) => type).join(', ')}` : ''
  const excerpt = `structured: ${shapeOf(structured, fields)}; text: ${lines} lines, ${text.length} characters${attached}`
  return {
    bytes: Buffer.byteLength(serialized),
    digest: `sha256:${hash('sha256', serialized)}`,
    excerpt: excerpt.slice(0, MAX_EXCERPT),
  }
}

/** `{ columns: list of 3, rows: list of 100, truncated: boolean, 1 other }` */
function shapeOf(value: unknown, fields: readonly string[]): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return typeName(value)
  const present = value as Record<string, unknown>
  const named = fields.filter((field) => FIELD.test(field) && Object.hasOwn(present, field))
  const others = Object.keys(present).length - named.length
  const parts = named.map((field) => `${field}: ${typeName(present[field])}`)
  if (others > 0) parts.push(`${others} other`)
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`
}

function typeName(value: unknown): string {
  if (value === undefined) return 'none'
  if (value === null) return 'null'
  if (Array.isArray(value)) return `list of ${value.length}`
  if (typeof value === 'object') return `object of ${Object.keys(value).length}`
  return typeof value
}
