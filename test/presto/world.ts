import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Caller, reviewedRecord, ServerGovernance, type ServerRecord, type UserCaller } from '@gatehouse/contracts'
import { createPolicy, describeServer, type Progress, type ToolContext, ToolError } from '@gatehouse/kit'
import record from '../../companion/servers/presto/server.json' with { type: 'json' }
import type { Backend } from '../../companion/servers/presto/src/backend/backend.ts'
import { openDuckDb } from '../../companion/servers/presto/src/backend/duckdb.ts'
import { prestoServer, SERVED_SCHEMAS } from '../../companion/servers/presto/src/definition.ts'
import { ensureSample, SAMPLE_CATALOG } from '../../companion/servers/presto/src/sample/create.ts'

export interface World {
  readonly backend: Backend
  readonly data: string
  stop(): Promise<void>
}

/** The sample database in a folder of its own, opened as the server opens it. */
export async function openWorld(): Promise<World> {
  const data = await mkdtemp(join(tmpdir(), 'gatehouse-presto-'))
  const file = await ensureSample(data, new AbortController().signal)
  const backend = await openDuckDb({ file, catalog: SAMPLE_CATALOG, defaultSchema: 'tpch', schemas: SERVED_SCHEMAS })
  return {
    backend,
    data,
    async stop() {
      await backend.close()
      await rm(data, { recursive: true, force: true })
    },
  }
}

/** The server's own governance file, as the registry would hold it. */
export function prestoRecord(url: string): ServerRecord {
  return reviewedRecord(ServerGovernance.parse(record), described, url)
}

const described = describeServer(prestoServer())
const policy = createPolicy(described.policy)
const held = prestoRecord('http://127.0.0.1:1/mcp')

export interface Person {
  readonly subject?: string
  readonly groups?: readonly string[]
  readonly signal?: AbortSignal
  readonly progress?: (progress: Progress) => void
}

/** The context that the kit would make for a call, with the real policies and record. */
export function contextOf({ subject = 'ada', groups = ['ads'], signal, progress }: Person = {}): ToolContext {
  const caller: UserCaller = { kind: 'user', subject, groups: [...groups], client: 'gatehouse-vscode', surface: 'ide' }
  return contextFor(caller, signal, progress)
}

/** The same of a service. */
export function contextOfWorkload(spiffeId: string): ToolContext {
  return contextFor({ kind: 'workload', spiffeId })
}

function contextFor(caller: Caller, signal?: AbortSignal, progress?: (progress: Progress) => void): ToolContext {
  return {
    caller,
    signal: signal ?? new AbortController().signal,
    progress: progress ?? (() => undefined),
    log: () => undefined,
    askable: { form: false, url: false, sampling: false, roots: false },
    ask: nobodyToAsk,
    elicit: nobodyToAsk,
    decide: (resource) => policy.decide({ caller, action: 'read', resource, record: held }),
  }
}

function nobodyToAsk(): Promise<never> {
  return Promise.reject(new ToolError('input_not_allowed', 'there is no client', 'Ask nothing.'))
}

export const FINN: Person = { subject: 'finn', groups: ['finance'] }

/** The stable code that a call is refused with. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    if (error instanceof ToolError) return error.code
    throw error
  }
  return 'none'
}

export async function rowsOf(backend: Backend, sql: string): Promise<unknown[][]> {
  const stream = await backend.query(sql, new AbortController().signal)
  const rows: unknown[][] = []
  for await (const batch of stream.batches) rows.push(...batch.map((row) => [...row]))
  return rows
}

/** Changes when anything in the database does: rows, columns, tables; not by when that was. */
export async function fingerprint(backend: Backend): Promise<string> {
  const tables = await rowsOf(
    backend,
    `SELECT schema_name || '.' || table_name, sql FROM duckdb_tables() WHERE database_name = 'hive' ORDER BY ALL`,
  )
  const views = await rowsOf(backend, `SELECT sql FROM duckdb_views() WHERE NOT internal ORDER BY ALL`)
  const hashes = await Promise.all(
    tables.map(([name]) => rowsOf(backend, `SELECT count(*), bit_xor(hash(t)) FROM ${timeless(String(name))} AS t`)),
  )
  return JSON.stringify([tables, views, hashes])
}

function timeless(table: string): string {
  return table === 'meta.table_facts' ? `(SELECT * EXCLUDE (updated_at) FROM ${table})` : table
}
