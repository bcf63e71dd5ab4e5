import type { z } from 'zod'
import { pageOf } from '../results/page.ts'
import type { Query } from '../results/query.ts'
import { type RowsOutput, type StatusOutput, UNTRUSTED } from './schemas.ts'

type Rows = z.input<typeof RowsOutput>

/** A page of a query: as data, and as text for clients that read no data. */
export function rowsAnswer(query: Query, offset: number, pageRows: number): { structured: Rows; text: string } {
  const page = pageOf(query, offset, pageRows)
  const structured: Rows = {
    query_id: query.id,
    state: query.state,
    columns: query.columns.map(({ name, type }) => ({ name, type })),
    rows: page.rows.map((row) => [...row]),
    offset: page.offset,
    next_offset: page.nextOffset,
    row_count: query.rows.length,
    limit_hit: query.limitHit ?? null,
    elapsed_ms: elapsed(query),
    ...UNTRUSTED,
  }
  const lines = [headline(query, page.rows.length, page.nextOffset)]
  if (page.rows.length > 0) {
    lines.push(
      UNTRUSTED.note,
      query.columns.map(({ name }) => name).join(' | '),
      ...page.rows.map((row) => JSON.stringify(row)),
    )
  }
  return { structured, text: lines.join('\n') }
}

export function statusAnswer(query: Query): { structured: z.input<typeof StatusOutput>; text: string } {
  const percent = query.done === undefined ? null : Math.round(query.done * 100)
  return {
    structured: {
      query_id: query.id,
      state: query.state,
      progress_percent: query.state === 'finished' ? 100 : percent,
      row_count: query.rows.length,
      bytes: query.bytes,
      limit_hit: query.limitHit ?? null,
      elapsed_ms: elapsed(query),
      error_code: query.error?.code ?? null,
      error_message: query.error?.message ?? null,
    },
    text: `${query.state}, ${query.rows.length} rows, ${elapsed(query)} ms${query.error ? `: ${query.error.message}. ${query.error.next}` : ''}`,
  }
}

function headline(query: Query, shown: number, next: number | null): string {
  if (query.state === 'running')
    return `Still running after ${elapsed(query)} ms. Call query_status with ${query.id}; cancel_query stops it.`
  const limit = query.limitHit === undefined ? '' : ` The ${query.limitHit} limit was reached: there is more than this.`
  const further = next === null ? '' : ` fetch_rows with ${query.id} and offset ${next} returns more.`
  return `${shown} of ${query.rows.length} rows in ${elapsed(query)} ms.${limit}${further}`
}

function elapsed(query: Query): number {
  return Math.max(0, Math.round((query.endedAt ?? Date.now()) - query.startedAt))
}
