import type { ToolContext } from '@gatehouse/kit'
import type { Checked } from '../access/table-access.ts'
import type { Backend } from '../backend/backend.ts'
import { quoted, resourceName } from '../sql/names.ts'
import type { Statement } from '../sql/statement.ts'

const COUNT_SECONDS = 10
const SHOWN = 300

/** One line for the person who approves, such as "Delete rows from sandbox.budget_plan where quarter = '2026Q4'". */
export function summaryOf(statement: Statement): string {
  const [target] = statement.writes
  const table = target ? resourceName(target) : 'an unknown table'
  const where = statement.where ? ` ${shown(statement.where)}` : ''
  switch (statement.kind) {
    case 'insert':
      return `Insert rows into ${table}`
    case 'update':
      return where ? `Update rows of ${table}${where}` : `Update every row of ${table}`
    case 'delete':
      return where ? `Delete rows from ${table}${where}` : `Delete every row from ${table}`
    case 'merge':
      return `Merge rows into ${table}`
    case 'truncate':
      return `Delete every row from ${table}`
    case 'create_table':
      return `Create the table ${table}`
    case 'create_table_as':
      return `Create the table ${table} from a query`
    case 'create_view':
      return `Create the view ${table}`
    case 'alter_table':
      return `Change the columns of ${table}`
    case 'drop_table':
      return `Drop the table ${table} with all its rows`
    case 'drop_view':
      return `Drop the view ${table}`
    case 'comment':
      return `Change the comment of ${table}`
    case 'query':
    case 'explain':
    case 'metadata':
    case 'other':
      return `Run a statement: ${shown(statement.text)}`
  }
}

/** What it changes and reads, a line each, with rows counted by a query that cannot write. */
export async function touchesOf(checked: Checked, backend: Backend, ctx: ToolContext): Promise<readonly string[]> {
  const { statement } = checked
  const changes = await Promise.all(
    statement.writes.map(async (name) => `${resourceName(name)}: ${await changeOf(checked, backend, ctx)}`),
  )
  const written = new Set(statement.writes.map(resourceName))
  const reads = (checked.plan?.tables ?? statement.reads).map(resourceName).filter((name) => !written.has(name))
  return [...changes, ...reads.map((name) => `reads ${name}`)]
}

async function changeOf({ statement, plan }: Checked, backend: Backend, ctx: ToolContext): Promise<string> {
  const [target] = statement.writes
  const table = target ? quoted(target) : ''
  switch (statement.kind) {
    case 'insert':
    case 'create_table_as': {
      const rows = await count(backend, `SELECT count(*) FROM (${statement.query ?? ''})`, ctx)
      return `${statement.kind === 'insert' ? 'adds' : 'is created with'} ${rowsText(rows, plan?.rows)}`
    }
    case 'update':
    case 'delete': {
      const rows = await count(backend, `SELECT count(*) FROM ${table} ${statement.where ?? ''}`, ctx)
      return `${statement.kind === 'update' ? 'changes' : 'deletes'} ${rowsText(rows, plan?.rows)}`
    }
    case 'truncate':
    case 'drop_table': {
      const rows = await count(backend, `SELECT count(*) FROM ${table}`, ctx)
      return `${statement.kind === 'truncate' ? 'deletes' : 'is dropped, with'} ${rowsText(rows, undefined)}`
    }
    case 'merge':
      return `adds, changes or deletes about ${plan?.rows ?? 0} rows`
    case 'create_table':
    case 'create_view':
      return 'is created'
    case 'drop_view':
      return 'is dropped'
    case 'alter_table':
      return 'its columns change'
    case 'comment':
      return 'its comment changes'
    case 'query':
    case 'explain':
    case 'metadata':
    case 'other':
      return 'unknown'
  }
}

/** Undefined when counting takes too long. */
async function count(backend: Backend, sql: string, ctx: ToolContext): Promise<number | undefined> {
  const limit = AbortSignal.timeout(COUNT_SECONDS * 1000)
  try {
    const stream = await backend.query(sql, AbortSignal.any([ctx.signal, limit]))
    for await (const [row] of stream.batches) return Number(row?.[0] ?? 0)
    return 0
  } catch (error) {
    if (limit.aborted && !ctx.signal.aborted) return undefined
    throw error
  }
}

function rowsText(counted: number | undefined, estimated: number | undefined): string {
  if (counted !== undefined) return counted === 1 ? '1 row' : `${counted} rows`
  return estimated === undefined ? 'an unknown number of rows' : `about ${estimated} rows`
}

/** The engine's text has a blank between every two tokens; for people they are taken out where they do not matter. */
function shown(text: string): string {
  const tidy = text.replaceAll(' . ', '.').replaceAll(' ,', ',').replaceAll('( ', '(').replaceAll(' )', ')')
  return tidy.length > SHOWN ? `${tidy.slice(0, SHOWN - 1)}…` : tidy
}
