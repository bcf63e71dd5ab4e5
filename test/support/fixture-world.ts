import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServerRecord } from '@gatehouse/contracts'
import {
  describeServer,
  type Logger,
  type RunningServer,
  type ServerConfig,
  type ServerDefinition,
  startServer,
} from '@gatehouse/kit'
import { Device } from './device.ts'
import { FixtureTools, fixtureServer } from './fixture-tools.ts'
import { type Claims, startTestIssuer, type TestIssuer } from './issuer.ts'
import { type RecordRegistry, startRecordRegistry } from './record-registry.ts'
import { startTestPostgres, type TestPostgres } from './postgres.ts'

/** A fixture server with the issuer and registry that it needs; each on a port of its own. */
export interface World {
  readonly server: RunningServer
  readonly tools: FixtureTools
  readonly issuer: TestIssuer
  readonly registry: RecordRegistry
  readonly device: Device
  /** The server's MCP endpoint. */
  readonly url: string
  readonly databaseUrl: string
  /** Lines of the server's log. */
  readonly log: string[]
  record(change?: Partial<ServerRecord>): ServerRecord
  /** A DPoP-bound token of the extension's client. */
  boundToken(claims?: Claims): Promise<string>
  stop(): Promise<void>
}

export interface Recorded {
  readonly record?: Partial<ServerRecord>
  /** Seconds that the signed record lives. */
  readonly life?: number
}

/** @param definition of the server, when it is not that of `tools`; its id must be `fixture` */
export async function startWorld(
  config: Partial<ServerConfig> = {},
  recorded: Recorded = {},
  definition?: ServerDefinition,
): Promise<World> {
  const [issuer, registry, device, postgres, data] = await Promise.all([
    startTestIssuer(),
    startRecordRegistry(),
    Device.create(),
    startTestPostgres(),
    mkdtemp(join(tmpdir(), 'gatehouse-fixture-')),
  ])
  const databaseUrl = await postgres.databaseUrl('fixture')
  const tools = new FixtureTools()
  const log: string[] = []
  const served = definition ?? fixtureServer(tools)
  const server = await startServer(served, {
    host: '127.0.0.1',
    port: 0,
    data,
    issuer: issuer.url,
    registry: registry.url,
    intakeToken: registry.intakeToken,
    databaseUrl,
    log: collect(log),
    ...config,
  })
  const url = `${server.url}/mcp`
  const record = (change: Partial<ServerRecord> = {}) => recordOf(served, url, change)
  registry.answer({ kind: 'signed', record: record(recorded.record), life: recorded.life ?? 60 })
  // A public address may be that of an edge, which is not there yet.
  await untilReady(config.publicUrl === undefined ? server.url : `http://127.0.0.1:${config.port}`)
  return {
    server,
    tools,
    issuer,
    registry,
    device,
    url,
    databaseUrl,
    log,
    record,
    boundToken: (claims) =>
      issuer.token(url, { client_id: 'gatehouse-vscode', cnf: { jkt: device.thumbprint }, ...claims }),
    stop: () => stopAll(server, issuer, registry, postgres, data),
  }
}

function recordOf(definition: ServerDefinition, url: string, change: Partial<ServerRecord>): ServerRecord {
  const { tools, prompts, resources, surfaceDigest } = describeServer(definition)
  return {
    ...ServerRecord.parse({
      id: 'fixture',
      name: 'dev.gatehouse/fixture',
      title: 'Fixture',
      description: 'For tests',
      version: '1.2.3',
      url,
      owner: { team: 'fixture', contact: 'fixture@example.com' },
      support: { channel: '#fixture-help' },
      environment: 'dev',
      surfaces: ['ide', 'cli'],
      groups: ['ads', 'finance'],
      discoverable: true,
      status: 'listed',
      reviews: [],
      clients: [
        { clientId: 'gatehouse-vscode', surface: 'ide', bearer: false },
        { clientId: 'gatehouse-cli', surface: 'cli', bearer: true },
        { clientId: 'other-web', surface: 'web', bearer: true },
      ],
      surfaceDigest,
      tools,
      prompts,
      resources,
    }),
    ...change,
  }
}

/** @throws when it is not so within ten seconds */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it did not come true in time')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function untilReady(origin: string): Promise<void> {
  return until(async () => {
    const response = await fetch(`${origin}/readyz`)
    await response.body?.cancel()
    return response.ok
  })
}

function collect(lines: string[]): Logger {
  const at =
    (level: string) =>
    (message: string, fields: object = {}) => {
      lines.push(
        JSON.stringify({ level, message, ...fields }, (_key, item: unknown) =>
          item instanceof Error ? String(item) : item,
        ),
      )
    }
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

async function stopAll(
  server: RunningServer,
  issuer: TestIssuer,
  registry: RecordRegistry,
  postgres: TestPostgres,
  data: string,
) {
  await server.stop()
  await Promise.all([issuer.stop(), registry.stop(), postgres.stop()])
  await rm(data, { recursive: true, force: true })
}
