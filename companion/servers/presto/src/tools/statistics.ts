import type { Json } from '@gatehouse/contracts'
import type { ToolContext } from '@gatehouse/kit'
import type { TableAccess } from '../access/table-access.ts'
import type { Backend, TableFacts } from '../backend/backend.ts'
import { quoted, quotedIdentifier } from '../sql/names.ts'

export interface ColumnStatistics {
  readonly distinct: number | null
  readonly nulls: number | null
  readonly min: string | null
  readonly max: string | null
}

/** Above this many rows a scan for statistics is not worth its cost. */
const MOST_ROWS = 1_000_000
const SHORT = 60
const NONE: ColumnStatistics = { distinct: null, nulls: null, min: null, max: null }

/** Of the data itself, in one pass; nothing for views, for large tables, and for columns of nested types. */
export async function columnStatistics(
  backend: Backend,
  access: TableAccess,
  table: TableFacts,
  ctx: ToolContext,
): Promise<readonly ColumnStatistics[]> {
  if (table.kind === 'view' || (table.rows ?? MOST_ROWS) >= MOST_ROWS) return table.columns.map(() => NONE)
  const flat = table.columns.filter(
    ({ type }) => !/[([{]|STRUCT|MAP|UNION/.test(type.replace(/^DECIMAL\(.*\)$/, 'DECIMAL')),
  )
  if (flat.length === 0) return table.columns.map(() => NONE)
  const parts = flat.flatMap(({ name }) => {
    const column = quotedIdentifier(name)
    const short = (end: string) => `substring(CAST(${end}(${column}) AS varchar), 1, ${SHORT})`
    return [`approx_count_distinct(${column})`, `count(*) - count(${column})`, short('min'), short('max')]
  })
  const [row = []] = await readAll(backend, access, `SELECT ${parts.join(', ')} FROM ${quoted(table.name)}`, ctx)
  return table.columns.map((column) => {
    const index = flat.indexOf(column)
    if (index === -1) return NONE
    const [distinct, nulls, min, max] = row.slice(index * 4, index * 4 + 4)
    return { distinct: number(distinct), nulls: number(nulls), min: text(min), max: text(max) }
  })
}

export async function sampleRows(
  backend: Backend,
  access: TableAccess,
  table: TableFacts,
  count: number,
  ctx: ToolContext,
): Promise<readonly (readonly Json[])[]> {
  if (count === 0) return []
  const rows = await readAll(backend, access, `SELECT * FROM ${quoted(table.name)} LIMIT ${count}`, ctx)
  return rows.map((row) =>
    row.map((cell) => (typeof cell === 'string' && cell.length > 200 ? `${cell.slice(0, 200)}…` : cell)),
  )
}

/** Our own statement goes the way of everybody's, so that a view cannot show what its tables would not. */
async function readAll(
  backend: Backend,
  access: TableAccess,
  sql: string,
  ctx: ToolContext,
): Promise<readonly (readonly Json[])[]> {
  const { statement } = await access.read(sql, ctx)
  const stream = await backend.query(statement.text, ctx.signal)
  const rows: (readonly Json[])[] = []
  for await (const batch of stream.batches) rows.push(...batch)
  return rows
}

function number(value: Json | undefined): number | null {
  return value === null || value === undefined ? null : Number(value)
}

function text(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null
}
