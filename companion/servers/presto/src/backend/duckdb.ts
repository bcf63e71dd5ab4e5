import { type DuckDBConnection, DuckDBInstance, type DuckDBResult, StatementType } from '@duckdb/node-api'
import type { Json } from '@gatehouse/contracts'
import { ToolError } from '@gatehouse/kit'
import { z } from 'zod'
import type { Backend, Column, EnginePlan, OnProgress, RowStream, TableFacts } from './backend.ts'
import { FACTS_UPDATE, noteChange, readTables } from './duckdb-catalog.ts'
import { toolErrorOf } from './duckdb-error.ts'
import { readPlan } from './duckdb-plan.ts'
import { toJson } from './duckdb-values.ts'
import { quoted, type TableName } from '../sql/names.ts'
import { Slots } from './slots.ts'

export interface DuckDbOptions {
  /** Database file; its name without extension is the catalog. */
  readonly file: string
  readonly catalog: string
  readonly defaultSchema: string
  readonly schemas: readonly string[]
  /** Default 1 GB. */
  readonly memory?: string
  /** Default 2. */
  readonly threads?: number
  /** Statements at once; each takes one of the four threads that Node has for such work. Default 3. */
  readonly concurrency?: number
}

const PROGRESS_EVERY_MS = 250
const SETTINGS = [
  // The plan before the optimiser too: it names every table.
  "SET GLOBAL explain_output = 'all'",
  // 1 / 2 is 0 in Presto.
  'SET GLOBAL integer_division = true',
  "SET GLOBAL TimeZone = 'UTC'",
  'SET GLOBAL lock_configuration = true',
]

/** @throws ToolError `data_unavailable` when the file is broken or another process has it */
export async function openDuckDb(options: DuckDbOptions): Promise<Backend> {
  try {
    const instance = await DuckDBInstance.create(options.file, {
      enable_external_access: 'false',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      memory_limit: options.memory ?? '1GB',
      threads: String(options.threads ?? 2),
    })
    const connection = await instance.connect()
    for (const setting of SETTINGS) await connection.run(setting)
    await connection.run(FACTS_UPDATE)
    connection.closeSync()
    return new DuckDb(instance, options)
  } catch (error) {
    const reason = toolErrorOf(error).message
    throw new ToolError(
      'data_unavailable',
      `the database ${options.file} cannot be opened: ${reason}`,
      'Stop the other process that uses it, or move the file away to start with a new one.',
      { cause: error },
    )
  }
}

class DuckDb implements Backend {
  readonly engine = 'DuckDB'
  readonly defaults: Backend['defaults']
  readonly schemas: readonly string[]
  readonly #instance: DuckDBInstance
  readonly #readers: Slots
  /** Changes go one after another: DuckDB would fail the second of two that meet. */
  readonly #writer = new Slots(1)
  #tables: Promise<readonly TableFacts[]> | undefined

  constructor(instance: DuckDBInstance, options: DuckDbOptions) {
    this.#instance = instance
    this.defaults = { catalog: options.catalog, schema: options.defaultSchema }
    this.schemas = options.schemas
    this.#readers = new Slots(options.concurrency ?? 3)
  }

  tables(): Promise<readonly TableFacts[]> {
    const { catalog } = this.defaults
    this.#tables ??= this.#alone((connection) => readTables(connection, catalog, this.schemas))
      .then((tables) =>
        Promise.all(tables.map(async (table) => (table.kind === 'view' ? this.#resolved(table) : table))),
      )
      .catch((error: unknown) => {
        this.#tables = undefined
        throw toolErrorOf(error)
      })
    return this.#tables
  }

  async #resolved(view: TableFacts): Promise<TableFacts> {
    const plan = await this.plan(`SELECT * FROM ${quoted(view.name)}`, new AbortController().signal).catch(
      () => undefined,
    )
    return { ...view, basedOn: plan?.foreignSources.length === 0 ? plan.tables : undefined }
  }

  async plan(sql: string, signal: AbortSignal): Promise<EnginePlan> {
    return this.#alone(async (connection) => {
      const statement = await connection.extractStatements(sql)
      if (statement.count !== 1)
        throw new ToolError(
          'sql_many_statements',
          'the engine sees more than one statement',
          'Send them one at a time.',
        )
      // Never committed, so that not even a statement that is more than it seems leaves a trace.
      await connection.run('BEGIN TRANSACTION')
      const explained = await stoppable(connection, signal, () => connection.run(`EXPLAIN (FORMAT json) ${sql}`))
      const rows = z.array(z.tuple([z.string(), z.string()])).parse(await explained.getRowsJson())
      return readPlan(rows, this.defaults.catalog)
    })
  }

  async query(sql: string, signal: AbortSignal, onProgress?: OnProgress): Promise<RowStream> {
    const release = await this.#readers.take(signal)
    const connection = await this.#instance.connect()
    let closed = false
    const close = (): void => {
      if (closed) return
      closed = true
      connection.closeSync()
      release()
    }
    try {
      await connection.run('BEGIN TRANSACTION READ ONLY')
      const result = await stoppable(connection, signal, () => this.#stream(connection, sql), onProgress)
      return { columns: columnsOf(result), batches: batches(connection, result, signal, close, onProgress) }
    } catch (error) {
      close()
      throw toolErrorOf(error)
    }
  }

  async execute(sql: string, table: TableName | undefined, signal: AbortSignal): Promise<number> {
    const release = await this.#writer.take(signal)
    const connection = await this.#instance.connect()
    try {
      await connection.run('BEGIN TRANSACTION')
      const result = await stoppable(connection, signal, () => connection.run(sql))
      const changed =
        result.statementType === StatementType.MERGE_INTO
          ? countOf(await result.getRowsJson(), result.rowsChanged)
          : result.rowsChanged
      if (table) await noteChange(connection, table)
      // Past this line the change stands, whatever happens to the caller.
      signal.throwIfAborted()
      await connection.run('COMMIT')
      this.#tables = undefined
      return changed
    } catch (error) {
      await connection.run('ROLLBACK').catch(() => undefined)
      throw signal.aborted ? cancelled(error) : toolErrorOf(error)
    } finally {
      connection.closeSync()
      release()
    }
  }

  async close(): Promise<void> {
    await this.#readers.drain()
    await this.#writer.drain()
    this.#instance.closeSync()
  }

  async #stream(connection: DuckDBConnection, sql: string): Promise<DuckDBResult> {
    const prepared = await connection.prepare(sql)
    const { statementType } = prepared
    // The engine's own word on what it is about to run.
    if (statementType !== StatementType.SELECT && statementType !== StatementType.EXPLAIN) {
      throw new ToolError('not_read_only', 'the engine does not see a query', 'Use execute_statement for changes.')
    }
    return prepared.stream()
  }

  async #alone<R>(work: (connection: DuckDBConnection) => Promise<R>): Promise<R> {
    const connection = await this.#instance.connect()
    try {
      return await work(connection)
    } catch (error) {
      throw toolErrorOf(error)
    } finally {
      connection.closeSync()
    }
  }
}

/** Interrupts DuckDB when the signal aborts, again and again: an interrupt between two tasks is lost. */
async function stoppable<R>(
  connection: DuckDBConnection,
  signal: AbortSignal,
  work: () => Promise<R>,
  onProgress?: OnProgress,
): Promise<R> {
  signal.throwIfAborted()
  const timer = setInterval(() => {
    if (signal.aborted) connection.interrupt()
    else onProgress?.(fraction(connection.progress.percentage))
  }, PROGRESS_EVERY_MS)
  const interrupt = (): void => connection.interrupt()
  signal.addEventListener('abort', interrupt, { once: true })
  try {
    return await work()
  } catch (error) {
    throw signal.aborted ? cancelled(error) : error
  } finally {
    clearInterval(timer)
    signal.removeEventListener('abort', interrupt)
  }
}

function cancelled(cause: unknown): ToolError {
  return new ToolError('query_cancelled', 'it was stopped before it ended', 'Run it again if it is still needed.', {
    cause,
  })
}

async function* batches(
  connection: DuckDBConnection,
  result: DuckDBResult,
  signal: AbortSignal,
  close: () => void,
  onProgress: OnProgress | undefined,
): AsyncGenerator<readonly (readonly Json[])[]> {
  try {
    for (;;) {
      const chunk = await stoppable(connection, signal, () => result.fetchChunk(), onProgress)
      if (chunk === null || chunk.rowCount === 0) return
      yield chunk.convertRows(toJson)
    }
  } catch (error) {
    throw toolErrorOf(error)
  } finally {
    close()
  }
}

function columnsOf(result: DuckDBResult): readonly Column[] {
  return result.columnNames().map((name, index) => ({ name, type: String(result.columnType(index)) }))
}

function countOf(rows: readonly (readonly unknown[])[], fallback: number): number {
  const count = Number(rows[0]?.[0] ?? fallback)
  return Number.isSafeInteger(count) ? count : fallback
}

function fraction(percentage: number): number | undefined {
  return percentage < 0 ? undefined : Math.min(percentage / 100, 1)
}
