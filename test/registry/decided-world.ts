import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RegisteredClient, ServerRecord } from '@gatehouse/contracts'
import { openDatabase, type RunningServer, startServer } from '@gatehouse/kit'
import { startRegistry } from '@gatehouse/registry'
import type { RegistryTables } from '../../companion/services/registry/src/database/tables.ts'
import { Device } from '../support/device.ts'
import { until } from '../support/fixture-world.ts'
import { startTestIssuer } from '../support/issuer.ts'
import { startTestPostgres } from '../support/postgres.ts'
import { ruledRecord, ruledServer } from './ruled-servers.ts'
import { DEV_SECRET, send } from './stack.ts'

/** Who calls, and from where. */
export interface Person {
  readonly user?: string
  readonly groups: readonly string[]
  readonly roles?: readonly string[]
  /** Beside `mcp`. */
  readonly scopes?: readonly string[]
  readonly client: 'editor' | 'shell' | 'chat' | 'kiosk'
  readonly channel?: string | undefined
}

/** The registry's own registrations; `kiosk` is in no server's record. */
const CLIENTS: readonly RegisteredClient[] = [
  { clientId: 'editor', surface: 'ide', bearer: false },
  { clientId: 'shell', surface: 'cli', bearer: true },
  { clientId: 'chat', surface: 'team-chat', bearer: false, approves: false, channel: 'proof' },
  { clientId: 'kiosk', surface: 'cli', bearer: true },
]
const INTAKE = 'intake-token-intake-token'
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }

export type DecidedWorld = Awaited<ReturnType<typeof startDecidedWorld>>

/** A real registry, and real servers that serve under the records that it signs. */
export async function startDecidedWorld() {
  const [issuer, postgres, device, data] = await Promise.all([
    startTestIssuer(),
    startTestPostgres(),
    Device.create(),
    mkdtemp(join(tmpdir(), 'gatehouse-decided-')),
  ])
  const databaseUrl = await postgres.databaseUrl('registry')
  const logged: string[] = []
  const keep = (message: string, fields?: object) => void logged.push(JSON.stringify({ message, ...fields }))
  const registry = await startRegistry(
    {
      host: '127.0.0.1',
      port: 0,
      issuer: issuer.url,
      databaseUrl,
      devSecret: DEV_SECRET,
      intakeToken: INTAKE,
      recordLife: 600,
      clients: CLIENTS,
    },
    { log: { info: keep, warn: keep, error: keep } },
  )
  const database = openDatabase<RegistryTables>(databaseUrl, { schema: 'registry' })
  const servers = new Map<string, RunningServer>()

  /** Credentials for exactly this request. */
  async function headers(
    person: Person,
    audience: string,
    method: string,
    url: string,
  ): Promise<Record<string, string>> {
    const { user = 'ada', groups, roles, scopes = [], client, channel } = person
    const bearer = CLIENTS.some((one) => one.clientId === client && one.bearer)
    const token = await issuer.token(audience, {
      sub: user,
      groups,
      roles,
      scope: ['mcp', ...scopes].join(' '),
      client_id: client,
      cnf: bearer ? undefined : { jkt: device.thumbprint },
    })
    if (bearer) return { Authorization: `Bearer ${token}` }
    const claims = channel === undefined ? {} : { channel }
    return { Authorization: `DPoP ${token}`, DPoP: await device.proof(method, url, token, claims) }
  }

  return {
    url: registry.url,
    issuer,
    database,
    logged,
    headers,
    put: (record: ServerRecord) =>
      send(`${registry.url}/gatehouse/v1/dev/servers/${record.id}`, 'PUT', record, DEV_SECRET),
    /** Starts the server and lists it, as reviewed as it is. @returns its MCP endpoint */
    async serve(id: string, changes: Partial<ServerRecord> = {}): Promise<string> {
      const server = await startServer(ruledServer(id), {
        host: '127.0.0.1',
        port: 0,
        data: join(data, id),
        issuer: issuer.url,
        registry: registry.url,
        intakeToken: INTAKE,
        databaseUrl,
        log: silent,
      })
      servers.set(id, server)
      const url = `${server.url}/mcp`
      const listed = await this.put(ruledRecord(id, url, changes))
      if (!listed.ok) throw new Error(`not listed: ${await listed.text()}`)
      await until(async () => (await fetch(`${server.url}/readyz`)).ok)
      return url
    },
    /** `POST /gatehouse/v1/authorize` with any body at all. */
    async authorize(person: Person, body: unknown): Promise<Response> {
      const url = `${registry.url}/gatehouse/v1/authorize`
      const credentials = await headers(person, registry.url, 'POST', url)
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      return fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json', ...credentials }, body: text })
    },
    async list(person: Person, more: Record<string, string> = {}): Promise<Response> {
      const url = `${registry.url}/gatehouse/v1/list`
      return fetch(url, { headers: { ...(await headers(person, registry.url, 'GET', url)), ...more } })
    },
    async stop() {
      await Promise.all([...servers.values()].map((server) => server.stop()))
      await registry.stop()
      await database.destroy()
      await Promise.all([issuer.stop(), postgres.stop()])
      await rm(data, { recursive: true, force: true })
    },
  }
}
