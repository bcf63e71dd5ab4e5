import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AuditEvent, digestOf, ListClaims, ServerRecord } from '@gatehouse/contracts'
import { startIdentity } from '@gatehouse/identity'
import { type LogFields, openDatabase } from '@gatehouse/kit'
import { type RegistryConfig, startRegistry } from '@gatehouse/registry'
import { calculateJwkThumbprint, createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { sql } from 'kysely'
import pg from 'pg'
import type { RegistryTables } from '../../companion/services/registry/src/database/tables.ts'
import { startTestPostgres } from '../support/postgres.ts'

export const DEV_SECRET = 'development-secret-development-secret'
const INTAKE_TOKEN = 'intake-token-intake-token'

export type Stack = Awaited<ReturnType<typeof startStack>>

/** A real identity provider, a real PostgreSQL, and a registry on them. */
export async function startStack(overrides: Partial<RegistryConfig> = {}) {
  const data = await mkdtemp(join(tmpdir(), 'gatehouse-registry-'))
  const [postgres, identity] = await Promise.all([
    startTestPostgres(),
    startIdentity({ host: '127.0.0.1', port: 0, data, devSecret: DEV_SECRET }),
  ])
  const databaseUrl = await postgres.databaseUrl('registry')
  const logged: string[] = []
  const keep = (message: string, fields?: LogFields) => void logged.push(JSON.stringify({ message, ...fields }))
  const log = { info: keep, warn: keep, error: keep }
  let clock = 0
  const now = () => Date.now() + clock
  const config: RegistryConfig = {
    host: '127.0.0.1',
    port: 0,
    issuer: identity.url,
    databaseUrl,
    devSecret: DEV_SECRET,
    intakeToken: INTAKE_TOKEN,
    ...overrides,
  }
  let registry = await startRegistry(config, { log, now })
  const url = registry.url
  const database = openDatabase<RegistryTables>(databaseUrl, { schema: 'registry' })
  const keys = createRemoteJWKSet(new URL('/gatehouse/v1/keys', url))

  async function administer(statements: (database: string) => string[]): Promise<void> {
    const admin = new URL(databaseUrl)
    const name = admin.pathname.slice(1)
    admin.pathname = '/postgres'
    const client = new pg.Client({ connectionString: admin.href })
    await client.connect()
    try {
      for (const statement of statements(name)) await client.query(statement)
    } finally {
      await client.end()
    }
  }

  async function token(user: string, request: Record<string, unknown> = {}): Promise<string> {
    const response = await fetch(`${identity.url}/dev/token`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${DEV_SECRET}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ user, resource: url, ...request }),
    })
    if (!response.ok) throw new Error(`no token for ${user}: ${await response.text()}`)
    return ((await response.json()) as { access_token: string }).access_token
  }

  return {
    url,
    identity,
    database,
    databaseUrl,
    /** What the registry logged, one JSON text a line. */
    logged,
    token,
    /** A plain bearer header, as the command line sends. */
    bearer: async (user: string) => ({ Authorization: `Bearer ${await token(user)}` }),
    /** Moves the registry's clock. */
    advance(seconds: number) {
      clock += seconds * 1000
    },
    async put(record: ServerRecord): Promise<void> {
      const response = await send(`${url}/gatehouse/v1/dev/servers/${record.id}`, 'PUT', record, DEV_SECRET)
      if (!response.ok) throw new Error(`not listed: ${await response.text()}`)
    },
    deliver: (events: unknown, secret = INTAKE_TOKEN) => send(`${url}/gatehouse/v1/audit`, 'POST', { events }, secret),
    async list(user: string): Promise<ListClaims> {
      const headers = { Authorization: `Bearer ${await token(user)}` }
      const response = await fetch(`${url}/gatehouse/v1/list`, { headers })
      if (!response.ok) throw new Error(`no list: ${await response.text()}`)
      const { payload } = await jwtVerify(await response.text(), keys, { currentDate: new Date(now()) })
      return ListClaims.parse(payload)
    },
    async changeStatus(
      user: string,
      id: string,
      change: 'suspend' | 'reinstate',
      body: unknown = { reason: 'a leak' },
    ) {
      return send(`${url}/gatehouse/v1/servers/${id}/${change}`, 'POST', body, await token(user))
    },
    /** Closes the database to everyone and ends the connections to it, as when it goes down; `mendDatabase` opens it again. */
    async breakDatabase() {
      await administer((name) => [`alter database ${name} allow_connections false`, terminate(name)])
    },
    async mendDatabase() {
      await administer((name) => [`alter database ${name} allow_connections true`])
    },
    /** Until a request of the registry waits for a lock that the test holds. */
    async waitingForLock(): Promise<void> {
      for (;;) {
        const { rows } = await sql`
          select 1 from pg_locks join pg_database on pg_database.oid = database
          where not granted and datname = current_database()`.execute(database)
        if (rows.length > 0) return
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    async restart() {
      await registry.stop()
      registry = await startRegistry({ ...config, port: Number(new URL(url).port) }, { log, now })
      // The first request may meet a pooled connection that the stop has just closed.
      await fetch(`${url}/healthz`).catch(() => undefined)
    },
    async stop() {
      await registry.stop()
      await identity.stop()
      await database.destroy()
      await postgres.stop()
      await rm(data, { recursive: true, force: true })
    },
  }
}

function terminate(database: string): string {
  return `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}'`
}

export function send(url: string, method: string, body: unknown, bearer: string): Promise<Response> {
  return fetch(url, {
    method,
    headers: { Authorization: `Bearer ${bearer}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
}

export async function codeOf(response: Response): Promise<unknown> {
  return ((await response.json()) as { code?: unknown }).code
}

/** A device key with DPoP proofs (RFC 9449 section 4.2). */
export async function newDevice() {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(publicKey)
  return {
    jkt: await calculateJwkThumbprint(jwk),
    async headers(token: string, method: string, url: string) {
      const ath = createHash('sha256').update(token).digest('base64url')
      const proof = await new SignJWT({ htm: method, htu: url, jti: randomUUID(), ath })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
        .setIssuedAt()
        .sign(privateKey)
      return { Authorization: `DPoP ${token}`, DPoP: proof }
    },
  }
}

/** Presto as it is seeded: for three groups, its write for one of them. */
export function prestoRecord(overrides: Partial<ServerRecord> = {}): ServerRecord {
  const id = overrides.id ?? 'presto'
  return ServerRecord.parse({
    id,
    name: `dev.gatehouse/${id}`,
    title: 'Presto',
    description: 'Tables of the warehouse, queried with SQL.',
    version: '1.0.0',
    url: `https://${id}.example/mcp`,
    owner: { team: 'owners-presto', contact: 'presto@example.com' },
    support: { channel: '#presto-help' },
    environment: 'production',
    surfaces: ['ide', 'cli'],
    groups: ['ads', 'finance', 'infra'],
    discoverable: true,
    status: 'listed',
    reviews: [{ gate: 'security', status: 'approved', by: 'sam' }],
    clients: [
      { clientId: 'gatehouse-vscode', surface: 'ide', bearer: false },
      { clientId: 'gatehouse-cli', surface: 'cli', bearer: true },
    ],
    surfaceDigest: digestOf('surface'),
    tools: [
      { name: 'run_query', digest: digestOf('run_query'), effect: 'read', groups: [], minutesSaved: 10 },
      { name: 'kill_cluster', digest: digestOf('kill_cluster'), effect: 'write', groups: ['infra'], minutesSaved: 0 },
    ],
    ...overrides,
  })
}

export function auditEvent(overrides: Partial<AuditEvent> = {}): AuditEvent {
  return {
    id: randomUUID(),
    at: new Date().toISOString(),
    server: 'presto',
    action: 'call',
    caller: { kind: 'user', subject: 'ada', groups: ['ads'], client: 'gatehouse-cli', surface: 'cli' },
    tool: 'run_query',
    arguments: { sql: 'select 1' },
    decision: { allowed: true, reason: 'allowed', rule: 'user-tool' },
    outcome: 'ok',
    durationMs: 12.5,
    ...overrides,
  }
}
