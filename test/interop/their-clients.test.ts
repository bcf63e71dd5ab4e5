import { ListClaims } from '@gatehouse/contracts'
import { decodeJwt } from 'jose'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { until } from '../support/fixture-world.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { type Stack, startStack } from '../support/stack.ts'
import { inspector, mcpdo } from './their-clients/inspector.ts'
import { type SdkClient, sdkOne, sdkTwo } from './their-clients/sdk.ts'
import type { TheirClient } from './their-clients/their-client.ts'

const USER = 'ada'
const ROWS = 'SELECT count(*) AS n, count(note) AS notes FROM sandbox.budget_plan'

let postgres: TestPostgres
let database: pg.Client
let stack: Stack
let url: string

beforeAll(async () => {
  postgres = await startTestPostgres()
  const databaseUrl = await postgres.databaseUrl('their_clients')
  stack = await startStack({ DATABASE_URL: databaseUrl })
  database = new pg.Client({ connectionString: databaseUrl })
  await database.connect()
  url = stack.ready.servers['presto']?.url ?? ''
}, 120_000)
afterAll(async () => {
  await database?.end()
  await stack?.stop()
  await postgres?.stop()
})

/** What the person may call, as the registry signed it for the command line's client: another source than the server that is listed. */
async function allowedTools(): Promise<string[]> {
  const { registry } = stack.ready
  const token = await stack.token({ user: USER, resource: registry })
  const list = await fetch(`${registry}/gatehouse/v1/list`, { headers: { authorization: `Bearer ${token}` } })
  const { servers } = ListClaims.parse(decodeJwt(await list.text()))
  return servers
    .flatMap((server) => (server.access === 'allowed' && server.record.id === 'presto' ? server.record.tools : []))
    .map(({ name }) => name)
    .sort()
}

/** The rows of the table that the writes are for, read through the command line. */
async function rows(): Promise<unknown> {
  const { status, stdout, stderr } = await stack.gatehouse(
    ...['call', '--server', 'presto', '--tool', 'run_query', '--user', USER],
    ...['--args', JSON.stringify({ sql: ROWS })],
  )
  expect(status, stderr).toBe(0)
  return (JSON.parse(stdout) as { structuredContent: { rows: unknown } }).structuredContent.rows
}

interface Recorded {
  readonly tool: string
  readonly outcome: string
  readonly client: string
  readonly surface: string
}

/** The calls of a statement in the registry's audit, once they have been delivered. */
async function audited(sql: string): Promise<Recorded[]> {
  let found: Recorded[] = []
  await until(async () => {
    const { rows: events } = await database.query<Recorded>(
      `SELECT event::json->>'tool' AS tool, event::json->>'outcome' AS outcome, event::json->'caller'->>'client' AS client,
       event::json->'caller'->>'surface' AS surface FROM registry.audit_events WHERE event::json->'arguments'->>'sql' = $1`,
      [sql],
    )
    found = events
    return found.length > 0
  })
  return found
}

const SELF_REGISTERED = /^self-registered-[A-Za-z0-9_-]{22}$/

const clients: [string, { open: () => Promise<TheirClient>; client: RegExp; version?: string }][] = [
  ['the SDK 1.x client', { open: () => sdkOne(url, USER), client: SELF_REGISTERED, version: '2025-11-25' }],
  [
    'the SDK 2.x client of 2025-11-25',
    { open: () => sdkTwo(url, USER, 'legacy'), client: SELF_REGISTERED, version: '2025-11-25' },
  ],
  [
    'the SDK 2.x client of 2026-07-28',
    { open: () => sdkTwo(url, USER, 'modern'), client: SELF_REGISTERED, version: '2026-07-28' },
  ],
  [
    'MCP Inspector’s command line of 2025-11-25',
    { open: async () => inspector(url, await commandLineToken(), 'legacy'), client: /^gatehouse-cli$/ },
  ],
  [
    'MCP Inspector’s command line of 2026-07-28',
    { open: async () => inspector(url, await commandLineToken(), 'modern'), client: /^gatehouse-cli$/ },
  ],
  ['MCP Inspector’s mcpdo', { open: () => mcpdo(url, USER), client: SELF_REGISTERED }],
]

/** As a person gets it for `curl`. */
async function commandLineToken(): Promise<string> {
  const { status, stdout, stderr } = await stack.gatehouse('token', '--user', USER, '--resource', url)
  expect(status, stderr).toBe(0)
  return stdout.trim()
}

describe.each(clients)('%s', (name, { open, client: id, version }) => {
  let client: TheirClient
  beforeAll(async () => {
    client = await open()
  }, 120_000)
  afterAll(() => client?.close())

  test('lists exactly the tools that the person may call', async () => {
    verifies('AUTH-8.1', 'SRV-KIT.2')
    if (version !== undefined) expect((client as SdkClient).protocolVersion).toBe(version)
    const tools = await allowedTools()
    expect(tools).toContain('execute_statement')
    expect(await client.tools()).toEqual(tools)
  }, 120_000)

  test('reads', async () => {
    const found = await client.call('search_tables', { words: 'nation' })
    expect(found.isError, found.text).toBe(false)
    expect(JSON.stringify(found.data)).toContain('tpch.nation')
    const read = await client.call('run_query', { sql: 'SELECT n_name FROM tpch.nation ORDER BY n_name LIMIT 2' })
    expect(read.isError, read.text).toBe(false)
    expect(read.data).toMatchObject({ rows: [['ALGERIA'], ['ARGENTINA']] })
  }, 120_000)

  test('writes nothing: a write is refused with approval_required, and the refusal is in the audit', async () => {
    verifies('SRV-KIT.4', 'SRV-P.4', 'OBS-2.1', 'AUTH-11.1')
    const sql = `UPDATE sandbox.budget_plan SET note = 'by ${name}'`
    const before = await rows()
    const refused = await client.call('execute_statement', { sql })
    expect(refused.isError, refused.text).toBe(true)
    expect(refused.text).toContain('approval_required')
    expect(refused.data).toMatchObject({ code: 'approval_required', proposal: { arguments: { sql } } })
    expect(await rows()).toEqual(before)
    expect(await audited(sql)).toEqual([
      {
        tool: 'execute_statement',
        outcome: 'approval_required',
        client: expect.stringMatching(id) as unknown,
        surface: 'cli',
      },
    ])
  }, 120_000)
})

test('a client that registered itself asks for one server by its resource indicator, and its token is good there alone', async () => {
  verifies('AUTH-2.3')
  const client = await sdkOne(url, USER)
  try {
    expect(client.signIn.authorization?.searchParams.get('resource')).toBe(url)
    const token = client.signIn.tokens()?.access_token ?? ''
    expect(decodeJwt(token)).toMatchObject({ aud: url, sub: USER })
    const elsewhere = await fetch(`${stack.ready.registry}/gatehouse/v1/list`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(elsewhere.status).toBe(401)
  } finally {
    await client.close()
  }
}, 60_000)

test('a contractor signs in with such a client too, and may list and call nothing', async () => {
  verifies('AUTH-9.1', 'AUTH-8.1')
  const client = await sdkOne(url, 'carl').catch((error: unknown) => String(error))
  const tools = typeof client === 'string' ? [] : await client.tools().catch(() => [])
  expect(tools).toEqual([])
  if (typeof client !== 'string') await client.close()
}, 60_000)
