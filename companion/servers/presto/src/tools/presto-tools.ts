import type { Caller, Effect } from '@gatehouse/contracts'
import { authorizeTool, type ToolContext, ToolError, tool } from '@gatehouse/kit'
import type { z } from 'zod'
import { TableAccess } from '../access/table-access.ts'
import type { Backend, TableFacts } from '../backend/backend.ts'
import { Queries } from '../results/queries.ts'
import { SqlGuard } from '../sql/guard.ts'
import { resourceName } from '../sql/names.ts'
import { summaryOf, touchesOf } from './change.ts'
import { DEFAULT_LIMITS, isExpensive, limitsHit, type PrestoLimits } from './limits.ts'
import { freshnessAnswer } from './freshness.ts'
import { rowsAnswer, statusAnswer } from './rows.ts'
import {
  DescribeInput,
  DescribeOutput,
  ExecuteInput,
  ExecuteOutput,
  ExplainInput,
  ExplainOutput,
  FetchInput,
  FreshnessInput,
  FreshnessOutput,
  QueryInput,
  RowsOutput,
  RunInput,
  SearchInput,
  SearchOutput,
  StatusOutput,
  UNTRUSTED,
} from './schemas.ts'
import { searchTables } from './search.ts'
import { columnStatistics, sampleRows } from './statistics.ts'
import { waitFor } from './wait.ts'

const READS = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false } as const
const WRITES = { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false } as const
/** Columns named for one table of a search; describe_table names all. */
const COLUMNS_SHOWN = 20

/** The tools of the Presto server. Which tables a call may touch is decided in TableAccess, for all of them alike. */
export class PrestoTools {
  readonly #backend: Backend
  readonly #guard: SqlGuard
  readonly #access: TableAccess
  readonly #queries: Queries
  readonly #limits: PrestoLimits

  constructor(backend: Backend, limits: PrestoLimits = DEFAULT_LIMITS) {
    this.#backend = backend
    this.#limits = limits
    this.#guard = new SqlGuard(backend.defaults)
    this.#access = new TableAccess(backend, this.#guard)
    this.#queries = new Queries({ backend, limits: limits.query })
  }

  warmUp(): void {
    this.#guard.warmUp()
  }

  async close(): Promise<void> {
    await this.#queries.close()
  }

  @tool({
    name: 'search_tables',
    title: 'Search tables',
    description:
      'Finds tables by words in their names, comments and columns, best match first. Use it before writing SQL, to learn which tables exist. Returns full names, comments, owners, partition keys, estimated rows and column names. Only tables that the person may read are found.',
    input: SearchInput,
    output: SearchOutput,
    effect: 'read',
    annotations: READS,
    minutesSaved: 5,
  })
  @authorizeTool({})
  async searchTables({ words, schema, limit }: z.output<typeof SearchInput>, ctx: ToolContext) {
    const tables = (await this.#access.visible(ctx)).filter(
      ({ name }) => schema === undefined || name.schema === schema.toLowerCase(),
    )
    const found = searchTables(tables, words)
    const shown = found.slice(0, limit).map(({ table, columns }) => ({
      ...headOf(table),
      columns: columns.slice(0, COLUMNS_SHOWN),
    }))
    const lines = shown.map((table) => `${table.name} (${table.rows ?? '?'} rows): ${table.comment ?? ''}`)
    const text =
      found.length === 0
        ? 'No table that you may read matches. Try fewer or other words.'
        : [`${found.length} tables match.`, ...lines].join('\n')
    return { structured: { tables: shown, total: found.length, ...UNTRUSTED }, text }
  }

  @tool({
    name: 'describe_table',
    title: 'Describe a table',
    description:
      'Describes one table: columns with types, comments and statistics (distinct values, NULLs, smallest and largest value), partition keys, owner, estimated rows and a few example rows. Use it before writing SQL on a table.',
    input: DescribeInput,
    output: DescribeOutput,
    effect: 'read',
    annotations: READS,
    minutesSaved: 5,
  })
  @authorizeTool({})
  async describeTable({ table: wanted, sample_rows }: z.output<typeof DescribeInput>, ctx: ToolContext) {
    const table = await this.#access.named(wanted, ctx)
    const [statistics, sample] = await Promise.all([
      columnStatistics(this.#backend, this.#access, table, ctx),
      sampleRows(this.#backend, this.#access, table, sample_rows, ctx),
    ])
    const columns = table.columns.map(({ name, type, nullable, comment }, index) => ({
      name,
      type,
      nullable,
      comment: comment ?? null,
      ...(statistics[index] ?? { distinct: null, nulls: null, min: null, max: null }),
    }))
    const structured = { ...headOf(table), columns, sample: sample.map((row) => [...row]), ...UNTRUSTED }
    const lines = columns.map(
      (column) => `${column.name} ${column.type}${column.comment === null ? '' : `: ${column.comment}`}`,
    )
    return { structured, text: [`${structured.name}: ${structured.comment ?? ''}`, ...lines].join('\n') }
  }

  @tool({
    name: 'table_freshness',
    title: 'Table freshness',
    description:
      'Tells when the data of each table last changed and how old it is, in seconds. Use it before relying on a table, or to find tables that stopped being updated. Without names it tells of every table that the caller may know of.',
    input: FreshnessInput,
    output: FreshnessOutput,
    effect: 'read',
    annotations: READS,
    minutesSaved: 2,
  })
  @authorizeTool({ workloads: 'recorded' })
  async tableFreshness({ tables: wanted }: z.output<typeof FreshnessInput>, ctx: ToolContext) {
    const tables = wanted
      ? await Promise.all(wanted.map((name) => this.#access.knownAs(name, ctx)))
      : await this.#access.known(ctx)
    return freshnessAnswer(tables, new Date())
  }

  @tool({
    name: 'explain_query',
    title: 'Explain a query',
    description:
      'Checks a statement without running it. Returns whether it is valid, the tables it reads and writes, the plan in words, estimated rows and bytes scanned, and which limits it would reach. Use it for queries on large tables and after an error.',
    input: ExplainInput,
    output: ExplainOutput,
    effect: 'read',
    annotations: READS,
    minutesSaved: 3,
  })
  @authorizeTool({})
  async explainQuery({ sql }: z.output<typeof ExplainInput>, ctx: ToolContext) {
    const { statement, plan } = await this.#access.any(sql, ctx)
    const effect: Effect = !statement.readOnly
      ? 'write'
      : plan && isExpensive(plan, this.#limits)
        ? 'expensive'
        : 'read'
    const hits = statement.readOnly && plan ? limitsHit(plan, this.#limits) : []
    const { rows, bytes, milliseconds } = this.#limits.query
    const structured = {
      kind: statement.kind,
      effect: effect,
      reads: statement.reads.map(resourceName),
      writes: statement.writes.map(resourceName),
      estimated_rows: plan?.rows ?? null,
      scanned_rows: plan?.scannedRows ?? null,
      scanned_bytes: plan?.scannedBytes ?? null,
      work_rows: plan?.workRows ?? null,
      limits: { work_rows: this.#limits.workRows, rows, bytes, seconds: milliseconds / 1000 },
      would_hit: [...hits],
      plan: plan?.outline ?? '',
      ...UNTRUSTED,
    }
    const cost = plan ? ` It returns or changes about ${plan.rows} rows and scans about ${plan.scannedRows}.` : ''
    return { structured, text: [`Valid; runs as ${effect}.${cost}`, ...hits, plan?.outline ?? ''].join('\n').trim() }
  }

  @tool<typeof RunInput, typeof RowsOutput, PrestoTools>({
    name: 'run_query',
    title: 'Run a query',
    description:
      'Runs one read-only SQL statement (SELECT, WITH, VALUES, EXPLAIN) in Trino (Presto) syntax and returns the first page of rows with a query_id for more. Changes are refused here: use execute_statement. Rows, bytes and time are limited; a query whose estimated cost is over the limit needs an approval. If it takes longer than wait_seconds it goes on, and query_status and fetch_rows follow it.',
    input: RunInput,
    output: RowsOutput,
    effect: 'read',
    annotations: READS,
    minutesSaved: 10,
    summary: ({ sql }) => `Run an expensive query: ${sql.slice(0, 300)}`,
    async touches({ sql }, ctx) {
      const { plan } = await this.#access.read(sql, ctx)
      return [...plan.tables.map((name) => `reads ${resourceName(name)}`), ...limitsHit(plan, this.#limits)]
    },
    async effectOf({ sql }, ctx) {
      const { plan } = await this.#access.read(sql, ctx)
      return isExpensive(plan, this.#limits) ? 'expensive' : 'read'
    },
  })
  @authorizeTool({})
  async runQuery({ sql, page_rows, wait_seconds }: z.output<typeof RunInput>, ctx: ToolContext) {
    const { statement } = await this.#access.read(sql, ctx)
    const query = this.#queries.start(subjectOf(ctx.caller), statement.text)
    await waitFor(query, wait_seconds, ctx)
    if (query.error) throw query.error
    return rowsAnswer(query, 0, page_rows)
  }

  @tool({
    name: 'fetch_rows',
    title: 'Fetch more rows',
    description:
      'Returns a further page of a query that run_query started: pass its query_id and next_offset. Works only for the person who ran the query, for half an hour.',
    input: FetchInput,
    output: RowsOutput,
    effect: 'read',
    annotations: READS,
    minutesSaved: 1,
  })
  @authorizeTool({})
  async fetchRows({ query_id, offset, page_rows }: z.output<typeof FetchInput>, ctx: ToolContext) {
    return rowsAnswer(this.#queries.find(subjectOf(ctx.caller), query_id), offset, page_rows)
  }

  @tool({
    name: 'query_status',
    title: 'Query status',
    description:
      'Tells the state of a query that run_query started: running, finished, failed or cancelled, with progress, rows so far and the error.',
    input: QueryInput,
    output: StatusOutput,
    effect: 'read',
    annotations: READS,
    minutesSaved: 1,
  })
  @authorizeTool({})
  async queryStatus({ query_id }: z.output<typeof QueryInput>, ctx: ToolContext) {
    return statusAnswer(this.#queries.find(subjectOf(ctx.caller), query_id))
  }

  @tool({
    name: 'cancel_query',
    title: 'Cancel a query',
    description:
      'Stops a query that run_query started, in the engine too. Use it when the rows are no longer needed. Returns its last state.',
    input: QueryInput,
    output: StatusOutput,
    effect: 'read',
    annotations: READS,
    minutesSaved: 1,
  })
  @authorizeTool({})
  async cancelQuery({ query_id }: z.output<typeof QueryInput>, ctx: ToolContext) {
    const query = this.#queries.find(subjectOf(ctx.caller), query_id)
    query.cancel()
    await query.ended
    return statusAnswer(query)
  }

  @tool<typeof ExecuteInput, typeof ExecuteOutput, PrestoTools>({
    name: 'execute_statement',
    title: 'Execute a statement',
    description:
      'Changes data or tables with one SQL statement: INSERT, UPDATE, DELETE, MERGE, TRUNCATE, CREATE TABLE, CREATE VIEW, ALTER TABLE, DROP or COMMENT. It waits for the approval of the person, who sees the statement and what it touches; it runs once. Returns the number of rows changed. For reading use run_query.',
    input: ExecuteInput,
    output: ExecuteOutput,
    effect: 'write',
    annotations: WRITES,
    minutesSaved: 10,
    summary({ sql }) {
      return summaryOf(this.#guard.read(sql))
    },
    async touches({ sql }, ctx) {
      return touchesOf(await this.#access.write(sql, ctx), this.#backend, ctx)
    },
  })
  @authorizeTool({})
  async executeStatement({ sql }: z.output<typeof ExecuteInput>, ctx: ToolContext) {
    const { statement } = await this.#access.write(sql, ctx)
    const [target] = statement.writes
    if (!target) throw new ToolError('statement_refused', 'it is not clear which table changes', 'Name the table.')
    const started = Date.now()
    const fresher = statement.kind === 'comment' ? undefined : target
    const changed = await this.#backend.execute(statement.text, fresher, ctx.signal)
    const structured = {
      kind: statement.kind,
      table: resourceName(target),
      rows_changed: changed,
      elapsed_ms: Date.now() - started,
    }
    return { structured, text: `Done: ${summaryOf(statement)}. ${changed} rows changed.` }
  }
}

function headOf(table: TableFacts) {
  return {
    name: `${table.name.catalog}.${resourceName(table.name)}`,
    kind: table.kind,
    comment: table.comment ?? null,
    owner: table.owner ?? null,
    partitioned_by: [...table.partitionedBy],
    rows: table.rows ?? null,
  }
}

/** Prefixed, so that a workload and a person of the same name are two. */
function subjectOf(caller: Caller): string {
  return caller.kind === 'user' ? `user:${caller.subject}` : `workload:${caller.spiffeId}`
}
