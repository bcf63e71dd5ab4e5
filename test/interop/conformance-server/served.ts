import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServerRecord } from '@gatehouse/contracts'
import { describeServer, type ServerDefinition, startServer } from '@gatehouse/kit'
import { prestoServer } from '../../../companion/servers/presto/src/definition.ts'
import { prestoRecord } from '../../presto/world.ts'
import { until } from '../../support/fixture-world.ts'
import { startTestIssuer } from '../../support/issuer.ts'
import { startTestPostgres } from '../../support/postgres.ts'
import { startRecordRegistry } from '../../support/record-registry.ts'
import { startAuthProxy } from '../auth-proxy.ts'
import { type Changing, conformanceServer } from './fixture-server.ts'

/** A server of ours behind the proxy that signs in for the suite. */
export interface Served {
  /** What the suite is pointed at. */
  readonly url: string
  stop(): Promise<void>
}

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined }
/** The kit renews a record after a third of its life, counted from its issue: seconds. */
const LIFE = 60
const RENEWED_AFTER = 0.3

/** The fixture server. Its trigger tools change the record, as a governance decision would, and the server tells of it. */
export async function serveFixture(): Promise<Served> {
  let current: ServerRecord | undefined
  const definition = conformanceServer((what) => {
    if (current) answer(toggled(current, what))
  })
  let answer = (record: ServerRecord) => void record
  return served(definition, (registry, url) => {
    answer = (record) => {
      current = record
      const now = Date.now() / 1000
      registry.answer({
        kind: 'signed',
        record,
        claims: { iat: now + LIFE - 3 * RENEWED_AFTER, exp: now + LIFE },
      })
    }
    answer(fixtureRecord(definition, url))
  })
}

/** The Presto server as it is, with its own governance file. */
export async function servePresto(): Promise<Served> {
  const postgres = await startTestPostgres()
  const running = await served(
    prestoServer(),
    (registry, url) => registry.answer({ kind: 'signed', record: prestoRecord(url) }),
    await postgres.databaseUrl('presto'),
  )
  return {
    url: running.url,
    async stop() {
      await running.stop()
      await postgres.stop()
    },
  }
}

type Registry = Awaited<ReturnType<typeof startRecordRegistry>>

async function served(
  definition: ServerDefinition,
  list: (registry: Registry, url: string) => void,
  databaseUrl?: string,
): Promise<Served> {
  const [issuer, registry, proxy, data] = await Promise.all([
    startTestIssuer(),
    startRecordRegistry(),
    startAuthProxy(),
    mkdtemp(join(tmpdir(), 'gatehouse-conformance-')),
  ])
  const server = await startServer(definition, {
    host: '127.0.0.1',
    port: 0,
    data,
    issuer: issuer.url,
    registry: registry.url,
    intakeToken: registry.intakeToken,
    allowedOrigins: [proxy.url],
    databaseUrl,
    log: SILENT,
  })
  const url = `${server.url}/mcp`
  list(registry, url)
  await until(async () => (await fetch(`${server.url}/readyz`)).ok)
  proxy.forward(server.url, await issuer.token(url, { exp: Math.floor(Date.now() / 1000) + 3600 }))
  return {
    url: `${proxy.url}/mcp`,
    async stop() {
      await proxy.stop()
      await server.stop()
      await Promise.all([issuer.stop(), registry.stop()])
      await rm(data, { recursive: true, force: true })
    },
  }
}

function fixtureRecord(definition: ServerDefinition, url: string): ServerRecord {
  const { tools, prompts, resources, surfaceDigest } = describeServer(definition)
  return ServerRecord.parse({
    id: definition.id,
    name: 'dev.gatehouse/conformance',
    title: definition.title,
    description: 'For the official suite',
    version: definition.version,
    url,
    owner: { team: 'fixture', contact: 'fixture@example.com' },
    support: { channel: '#fixture-help' },
    environment: 'dev',
    surfaces: ['cli'],
    groups: ['ads'],
    discoverable: true,
    status: 'listed',
    reviews: [],
    clients: [{ clientId: 'gatehouse-cli', surface: 'cli', bearer: true }],
    surfaceDigest,
    tools,
    prompts,
    resources,
  })
}

const TOGGLED: Readonly<Record<Changing, string>> = {
  tools: 'test_toggled_tool',
  prompts: 'test_toggled_prompt',
}

/** One entry that is for nobody, or for everybody again. */
function toggled(record: ServerRecord, what: Changing): ServerRecord {
  const name = TOGGLED[what]
  const toggle = <E extends { name: string; groups: string[] }>(entry: E): E =>
    entry.name === name ? { ...entry, groups: entry.groups.length === 0 ? ['nobody'] : [] } : entry
  return what === 'tools'
    ? { ...record, tools: record.tools.map(toggle) }
    : { ...record, prompts: record.prompts.map(toggle) }
}
