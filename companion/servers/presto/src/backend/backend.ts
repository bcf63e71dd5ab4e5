import type { Json } from '@gatehouse/contracts'
import type { NameDefaults, TableName } from '../sql/names.ts'

export interface Column {
  readonly name: string
  /** In the engine's own words, such as `DECIMAL(12,2)`. */
  readonly type: string
}

export interface ColumnFacts extends Column {
  readonly nullable: boolean
  readonly comment: string | undefined
}

export interface TableFacts {
  readonly name: TableName
  readonly kind: 'table' | 'view'
  /** Base tables of a view; undefined when the engine could not tell, and for a table. */
  readonly basedOn: readonly TableName[] | undefined
  readonly comment: string | undefined
  readonly owner: string | undefined
  readonly partitionedBy: readonly string[]
  /** The engine's estimate; undefined for a view. */
  readonly rows: number | undefined
  /** When its data last changed, ISO 8601 in UTC; undefined when the engine does not know, and for a view. */
  readonly updatedAt: string | undefined
  readonly columns: readonly ColumnFacts[]
}

/** What the engine itself says about a statement that it has bound but not run. */
export interface EnginePlan {
  /** Base tables, with views resolved. */
  readonly tables: readonly TableName[]
  /** Places that rows come from which are neither tables nor part of the statement: functions, files, the engine's own catalog. */
  readonly foreignSources: readonly string[]
  /** Rows the statement returns or changes. */
  readonly rows: number
  readonly scannedRows: number
  readonly scannedBytes: number
  /** Rows that pass through all operators: what the work grows with. */
  readonly workRows: number
  /** One operator per line, indented, in words. */
  readonly outline: string
}

export interface RowStream {
  readonly columns: readonly Column[]
  /** Ends early when the caller stops reading; then the engine stops as well. */
  readonly batches: AsyncIterable<readonly (readonly Json[])[]>
}

/** Between 0 and 1, or undefined while the engine cannot tell. */
export type OnProgress = (done: number | undefined) => void

/**
 * An SQL engine. It is given only text that the guard has made; it decides nothing about people.
 * Integers beyond 32 bits and decimals come back as strings, dates and times in ISO 8601, so that nothing is rounded.
 */
export interface Backend {
  readonly engine: string
  readonly defaults: NameDefaults
  /** Schemas that tools may show; everything else is the engine's own. */
  readonly schemas: readonly string[]
  tables(): Promise<readonly TableFacts[]>
  /** @throws ToolError `query_invalid` when the engine cannot bind it */
  plan(sql: string, signal: AbortSignal): Promise<EnginePlan>
  /** Runs in a transaction that cannot write; aborting the signal stops it in the engine. */
  query(sql: string, signal: AbortSignal, onProgress?: OnProgress): Promise<RowStream>
  /** Runs one change as one transaction, with `table` as the one whose data is newer by it, if any. @returns the number of rows changed */
  execute(sql: string, table: TableName | undefined, signal: AbortSignal): Promise<number>
  close(): Promise<void>
}
