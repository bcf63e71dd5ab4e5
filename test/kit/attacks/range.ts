import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AuditEvent, ServerRecord } from '@gatehouse/contracts'
import { describeServer, type RunningServer, type ServerDefinition, startServer } from '@gatehouse/kit'
import { SignJWT } from 'jose'
import record from '../../../companion/servers/presto/server.json' with { type: 'json' }
import { prestoServer } from '../../../companion/servers/presto/src/definition.ts'
import { until } from '../../support/fixture-world.ts'
import { type Claims, startTestIssuer, type TestIssuer } from '../../support/issuer.ts'
import { startTestPostgres } from '../../support/postgres.ts'
import { type RecordRegistry, startRecordRegistry } from '../../support/record-registry.ts'
import type { Era, Sender } from './attack.ts'
import { createForgingKey, type ForgingKey } from './forge.ts'
import { createTarget, type Target } from './target.ts'
import { freePort } from '../../../scripts/free-port.ts'

/** One server of the range, which can be stopped and started on its port. */
export interface Site {
  /** Its MCP endpoint: what tokens and receipts are for. */
  readonly audience: string
  /** Where requests go: another than `audience` for a replica. */
  readonly address: string
  readonly registry: RecordRegistry
  digestOf(tool: string): string
  start(options?: { definition?: ServerDefinition; life?: number }): Promise<void>
  stop(): Promise<void>
  /** Whether it says that it serves. */
  ready(): Promise<boolean>
}

export interface Range {
  readonly target: Target
  /** The fixture, and a replica of it over the same database. */
  readonly site: Site
  readonly replica: Site
  /** The real Presto server over DuckDB. */
  readonly presto: Site
  readonly device: ForgingKey
  readonly other: ForgingKey
  /** `Authorization` and `DPoP` of one request. */
  credentials(sender: Sender, site: Site): Promise<Readonly<Record<string, string>>>
  /** Sends one request body, as raw bytes. */
  send(site: Site, body: Buffer, headers: Readonly<Record<string, string>>): Promise<Answer>
  /** Headers of an era; the legacy one's session is opened where there is none. */
  era(era: Era, site: Site, sender: Sender): Promise<Readonly<Record<string, string>>>
  /** Sessions of the legacy era end with their server. */
  forgetSessions(site: Site): void
  stop(): Promise<void>
}

export interface Answer {
  readonly status: number
  readonly body: string
}

/** Subject of a token that no person has asked for. */
export const WORKLOAD = 'spiffe://company.example/nightly'

const CLIENTS = [
  { clientId: 'gatehouse-vscode', surface: 'ide', bearer: false },
  { clientId: 'gatehouse-cli', surface: 'cli', bearer: true },
  { clientId: 'other-web', surface: 'web', bearer: false },
]

const CANNOT_ENTER: ReadonlySet<Sender> = new Set<Sender>([
  'ada through an unregistered client',
  'ada with her bound token as bearer',
  'ada with a proof by another key',
  'ada without a proof',
  'ada with a token bound by certificate',
  'ada with an expired token',
  'ada with a token for another server',
  'nobody',
  'ada on another surface',
  'a workload',
])

export async function startRange(): Promise<Range> {
  const [issuer, registry, replicaRegistry, prestoRegistry, device, other, postgres, data] = await Promise.all([
    startTestIssuer(),
    startRecordRegistry(),
    startRecordRegistry(),
    startRecordRegistry(),
    createForgingKey(),
    createForgingKey(),
    startTestPostgres(),
    mkdtemp(join(tmpdir(), 'gatehouse-range-')),
  ])
  const databaseUrl = await postgres.databaseUrl('target')
  const target = await createTarget(databaseUrl)
  const folder = (name: string) => join(data, name)
  const site = await createSite(target.server(), targetRecord, {
    issuer,
    registry,
    data: folder('site'),
    databaseUrl,
  })
  const replica = await createSite(target.server(), targetRecord, {
    issuer,
    registry: replicaRegistry,
    data: folder('replica'),
    databaseUrl,
    replicaOf: site,
  })
  const presto = await createSite(prestoServer(), (url) => ({ ...record, url, status: 'listed', clients: CLIENTS }), {
    issuer,
    registry: prestoRegistry,
    data: folder('presto'),
    databaseUrl: await postgres.databaseUrl('presto'),
  })
  const sites = [site, replica, presto]
  await Promise.all(sites.map((one) => one.start()))
  const sessions = new Map<string, string>()

  const range: Range = {
    target,
    site,
    replica,
    presto,
    device,
    other,
    credentials: (sender, at) => credentials(sender, at, { issuer, device, other, foreign: presto }),
    async send(at, body, headers) {
      const response = await fetch(at.address, { method: 'POST', headers, body: new Uint8Array(body) })
      return { status: response.status, body: await response.text() }
    },
    async era(era, at, sender) {
      if (era === 'modern') return { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call' }
      // Somebody who gets no session attacks through the session of ada.
      const opener = CANNOT_ENTER.has(sender) ? 'ada' : sender
      const key = `${at.address} ${opener}`
      const id = sessions.get(key) ?? (await openSession(range, at, opener))
      sessions.set(key, id)
      return { 'mcp-protocol-version': '2025-11-25', 'mcp-session-id': id }
    },
    forgetSessions(at) {
      for (const key of sessions.keys()) if (key.startsWith(at.address)) sessions.delete(key)
    },
    async stop() {
      await Promise.all(sites.map((one) => one.stop()))
      await target.stop()
      await Promise.all([issuer, registry, replicaRegistry, prestoRegistry, postgres].map((one) => one.stop()))
      await rm(data, { recursive: true, force: true })
    },
  }
  return range
}

interface SiteOptions {
  readonly issuer: TestIssuer
  readonly registry: RecordRegistry
  readonly data: string
  readonly databaseUrl: string
  readonly replicaOf?: Site
}

async function createSite(
  usual: ServerDefinition,
  recordOf: (url: string) => object,
  { issuer, registry, data, databaseUrl, replicaOf }: SiteOptions,
): Promise<Site> {
  const port = await freePort()
  const address = `http://127.0.0.1:${port}/mcp`
  const audience = replicaOf?.audience ?? address
  let running: RunningServer | undefined
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const site: Site = {
    audience,
    address,
    registry,
    digestOf: (name) => String(describeServer(usual).tools.find((tool) => tool.name === name)?.digest),
    async start({ definition = usual, life = 600 } = {}) {
      const { tools, surfaceDigest } = describeServer(definition)
      const signed = ServerRecord.parse({ ...recordOf(audience), tools, surfaceDigest })
      registry.answer({ kind: 'signed', record: signed, life })
      running = await startServer(definition, {
        host: '127.0.0.1',
        port,
        publicUrl: new URL(audience).origin,
        data,
        issuer: issuer.url,
        registry: registry.url,
        intakeToken: registry.intakeToken,
        databaseUrl,
        log: silent,
      })
      await until(() => site.ready())
    },
    async stop() {
      await running?.stop()
    },
    async ready() {
      const response = await fetch(`http://127.0.0.1:${port}/readyz`)
      await response.body?.cancel()
      return response.ok
    },
  }
  return site
}

function targetRecord(url: string): object {
  return {
    id: 'target',
    name: 'dev.gatehouse/target',
    title: 'Target',
    description: 'For attacks',
    version: '1.0.0',
    url,
    owner: { team: 'target', contact: 'target@example.com' },
    support: { channel: '#target' },
    environment: 'dev',
    surfaces: ['ide', 'cli'],
    groups: ['ads', 'finance'],
    discoverable: true,
    status: 'listed',
    reviews: [],
    clients: CLIENTS,
  }
}

interface Keys {
  readonly issuer: TestIssuer
  readonly device: ForgingKey
  readonly other: ForgingKey
  readonly foreign: Site
}

async function credentials(
  sender: Sender,
  site: Site,
  { issuer, device, other, foreign }: Keys,
): Promise<Readonly<Record<string, string>>> {
  const audience = sender === 'ada with a token for another server' ? foreign.audience : site.audience
  const bound = (key: ForgingKey, claims: Claims = {}) =>
    issuer.token(audience, { client_id: 'gatehouse-vscode', cnf: { jkt: key.thumbprint }, ...claims })
  const dpop = async (token: string, key = device) => ({
    authorization: `DPoP ${token}`,
    dpop: await proof(key, site.audience, token),
  })
  const now = Math.floor(Date.now() / 1000)
  switch (sender) {
    case 'ada':
    case 'ada with a token for another server':
      return dpop(await bound(device))
    case 'ada on another device':
      return dpop(await bound(other), other)
    case 'ada without her group':
      return dpop(await bound(device, { groups: ['finance'] }))
    case 'ada through a bearer client':
      return { authorization: `Bearer ${await issuer.token(audience)}` }
    case 'ada through an unregistered client':
      return dpop(await bound(device, { client_id: 'nobody-knows' }))
    case 'ada on another surface':
      return dpop(await bound(device, { client_id: 'other-web' }))
    case 'ada with her bound token as bearer':
      return { authorization: `Bearer ${await bound(device)}` }
    case 'ada with a proof by another key':
      return dpop(await bound(device), other)
    case 'ada without a proof':
      return { authorization: `DPoP ${await bound(device)}` }
    case 'ada with a token bound by certificate':
      return dpop(await bound(device, { cnf: { 'x5t#S256': device.thumbprint } }))
    case 'ada with an expired token':
      return dpop(await bound(device, { iat: now - 700, exp: now - 100 }))
    case 'finn':
      return dpop(await bound(other, { sub: 'finn' }), other)
    case 'finn on the device of ada':
      return dpop(await bound(device, { sub: 'finn' }))
    case 'a workload':
      return dpop(await bound(device, { sub: WORKLOAD, groups: [] }))
    case 'nobody':
      return {}
  }
}

/** RFC 9449 section 4.2. */
function proof(key: ForgingKey, url: string, token: string): Promise<string> {
  const ath = createHash('sha256').update(token).digest('base64url')
  return new SignJWT({ htm: 'POST', htu: url, jti: randomUUID(), ath })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: key.jwk })
    .setIssuedAt()
    .sign(key.privateKey)
}

async function openSession(range: Range, site: Site, sender: Sender): Promise<string> {
  const response = await fetch(site.address, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(await range.credentials(sender, site)),
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'attacker', version: '1' } },
    }),
  })
  const id = response.headers.get('mcp-session-id')
  if (id === null) throw new Error(`no session: ${response.status} ${await response.text()}`)
  await response.body?.cancel()
  return id
}

/** The events of a site's audit from `start` on that say `outcome`. */
export function auditOf(site: Site, start: number, outcome: string): AuditEvent[] {
  return site.registry.audit.slice(start).filter((event) => event.outcome === outcome)
}
