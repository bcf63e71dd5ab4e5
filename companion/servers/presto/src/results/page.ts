import type { Json } from '@gatehouse/contracts'
import type { Query } from './query.ts'

/** A chat puts a result over about 60 kB aside into a file. The rows go out twice, as data and as text, and stay well under it. */
const PAGE_BYTES = 24_000
const CELL_LENGTH = 2_000

export interface Page {
  readonly rows: readonly (readonly Json[])[]
  readonly offset: number
  /** Where the next page begins; null when there are no more rows, or none yet. */
  readonly nextOffset: number | null
  /** Whether a long value was cut; it ends in `… (N characters)`. */
  readonly cut: boolean
}

export function pageOf(query: Query, offset: number, limit: number): Page {
  const rows: (readonly Json[])[] = []
  let bytes = 0
  let cut = false
  for (const row of query.rows.slice(offset, offset + limit)) {
    const cells = row.map(shortened)
    const size = Buffer.byteLength(JSON.stringify(cells))
    if (rows.length > 0 && bytes + size > PAGE_BYTES) break
    cut ||= cells.some((cell, index) => cell !== row[index])
    bytes += size
    rows.push(cells)
  }
  const next = offset + rows.length
  return { rows, offset, nextOffset: next < query.rows.length ? next : null, cut }
}

function shortened(cell: Json): Json {
  const text =
    typeof cell === 'string' ? cell : cell !== null && typeof cell === 'object' ? JSON.stringify(cell) : undefined
  if (text === undefined || text.length <= CELL_LENGTH) return cell
  return `${text.slice(0, CELL_LENGTH).replace(/[\uD800-\uDBFF]$/, '')}… (${text.length} characters)`
}
