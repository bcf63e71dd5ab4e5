import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServerRecord } from '@gatehouse/contracts'
import { z } from 'zod'
import { addressesOf } from './addresses.ts'
import { bundleOf } from './bundles.ts'
import { takeDataFolder } from './data-lock.ts'
import { jsonRequest, requestJson } from './http.ts'
import { type EdgeSockets, makeEdgeSockets } from './edge/edge-sockets.ts'
import { findEnvoy } from './edge/envoy-binary.ts'
import { type StackEdge, type StackEdgeEvent, startStackEdge } from './edge/stack-edge.ts'
import { endLeftovers } from './leftovers.ts'
import { choosePorts, type PortName } from './ports.ts'
import { startEmbeddedPostgres } from './postgres.ts'
import { loadSecrets, type Secrets } from './secrets.ts'
import { serverRecord } from './server-records.ts'
import { type Service, type ServiceEvent, startService } from './service.ts'
import { serviceEnvironment, type StackSettings, WORKLOAD_API } from './service-environment.ts'
import { SERVER_NAMES, SERVERS, type ServiceName } from './services.ts'
import type { ReadyEvent, StackEvent } from './stack-events.ts'
import { readStackFile } from './stack-file.ts'
import { StackNote } from './stack-note.ts'

export interface StackOptions {
  readonly data: string
  /** 0 = any free ports. */
  readonly portBase: number
  readonly services: readonly ServiceName[]
  /** What stands in front of the servers; absent: they verify tokens themselves. */
  readonly edge?: 'envoy' | undefined
  /** PostgreSQL to use instead of the embedded one. */
  readonly databaseUrl?: string | undefined
  readonly onEvent: (event: StackEvent) => void
}

export interface Stack {
  readonly ready: ReadyEvent
  stop(): Promise<void>
}

const People = z.object({
  password: z.string(),
  people: z.array(z.object({ user: z.string(), name: z.string(), role: z.string(), groups: z.array(z.string()) })),
})
const Listed = z.object({ status: z.string(), reason: z.string().optional() })

/**
 * Starts the local stack: data folder, ports, database, identity, registry, servers, in that order. Whatever fails or is aborted on the
 * way, what was started is stopped again.
 * @throws GatehouseError, or the signal's reason
 */
export async function startStack(options: StackOptions, signal: AbortSignal): Promise<Stack> {
  const release = takeDataFolder(options.data)
  const stack = new StartingStack(options, signal)
  stack.stopWith(async () => release())
  try {
    return { ready: await stack.start(), stop: () => stack.stop() }
  } catch (error) {
    await stack.stop()
    throw error
  }
}

class StartingStack {
  readonly #options: StackOptions
  readonly #signal: AbortSignal
  readonly #stops: (() => Promise<void>)[] = []
  readonly #running: Service[] = []
  #edge: StackEdge | undefined
  #note: StackNote | undefined

  constructor(options: StackOptions, signal: AbortSignal) {
    this.#options = options
    this.#signal = signal
  }

  stopWith(stop: () => Promise<void>): void {
    this.#stops.push(stop)
  }

  /** In reverse order. One that fails does not keep the others. */
  async stop(): Promise<void> {
    this.#note = undefined
    for (const stop of this.#stops.splice(0).reverse()) await stop().catch(() => undefined)
  }

  async start(): Promise<ReadyEvent> {
    const { data, services, portBase, edge, onEvent } = this.#options
    const has = (name: ServiceName): boolean => services.includes(name)
    await endLeftovers((await readStackFile(data).catch(() => undefined))?.pids ?? [], [
      ...services.map(bundleOf),
      join(data, 'edge'),
    ])
    const envoy = edge && (await findEnvoy((message) => onEvent({ kind: 'installing', message })))
    const secrets = await loadSecrets(data)
    const addresses = addressesOf(services, await choosePorts(portBase, this.#portNames()))
    const note = await StackNote.write(data, services, addresses)
    this.#note = note
    this.stopWith(() => note.remove())
    const servers = SERVER_NAMES.filter(has)
    // Asked while the database and the registry start, for each takes a process of its own. The first that fails is told when its turn comes.
    const records = new Map(servers.map((name) => [name, serverRecord(name, addresses.servers[name]?.url ?? '')]))
    for (const record of records.values()) record.catch(() => undefined)
    const databaseUrl = has('registry') ? await this.#database(addresses.ports.database) : undefined
    const sockets = edge && (await this.#sockets(servers))
    const settings: StackSettings = { data, addresses, secrets, databaseUrl, sockets }

    await this.#service('identity', settings)
    if (has('registry')) await this.#service('registry', settings)
    for (const [name, record] of records) {
      await this.#list(await record, addresses.registry, secrets)
      await this.#service(name, settings)
    }
    if (envoy !== undefined && sockets) await this.#startEdge(envoy, sockets, settings)
    return {
      kind: 'ready',
      ...(has('registry') && { registry: addresses.registry }),
      issuer: addresses.issuer,
      servers: addresses.servers,
      ...(addresses.edge !== undefined && { edge: { url: addresses.edge } }),
      ...(await people(addresses.issuer, secrets)),
    }
  }

  #portNames(): readonly PortName[] {
    const { services, edge, databaseUrl } = this.#options
    // The registry's URL is part of identity's settings, whether it runs here or not.
    const names = new Set<PortName>([...services, 'registry'])
    if (edge) names.add('edge')
    if (process.env[WORKLOAD_API] && SERVER_NAMES.some((name) => SERVERS[name].workloads && services.includes(name)))
      names.add('workloads')
    if (services.includes('registry') && databaseUrl === undefined) names.add('database')
    return [...names]
  }

  async #database(port: number): Promise<string> {
    const { databaseUrl, data, onEvent } = this.#options
    if (databaseUrl !== undefined) {
      onEvent({ kind: 'database', where: 'DATABASE_URL' })
      return databaseUrl
    }
    this.#signal.throwIfAborted()
    const postgres = await startEmbeddedPostgres({ dataDir: join(data, 'postgres'), port })
    this.stopWith(() => postgres.stop())
    onEvent({ kind: 'database', where: 'embedded' })
    return postgres.databaseUrl('gatehouse')
  }

  async #service(name: ServiceName, settings: StackSettings): Promise<void> {
    this.#signal.throwIfAborted()
    const logs = join(this.#options.data, 'logs')
    await mkdir(logs, { recursive: true, mode: 0o700 })
    const service = await startService({
      name,
      environment: serviceEnvironment(name, settings),
      logs,
      signal: this.#signal,
      onEvent: (event) => this.#onEvent(event),
    })
    this.#running.push(service)
    this.stopWith(() => service.stop())
  }

  async #sockets(servers: readonly string[]): Promise<EdgeSockets> {
    const sockets = await makeEdgeSockets(this.#options.data, servers)
    this.stopWith(() => sockets.remove())
    return sockets
  }

  async #startEdge(binary: string, sockets: EdgeSockets, { data, addresses, secrets }: StackSettings): Promise<void> {
    this.#signal.throwIfAborted()
    const edge = await startStackEdge({
      data,
      binary,
      addresses,
      sockets,
      intakeToken: secrets.intake,
      signal: this.#signal,
      onEvent: (event) => this.#onEvent(event),
    })
    this.#edge = edge
    this.stopWith(() => edge.stop())
  }

  /** Reviewed and listed, with the digest of the surface that is really there. A suspension made before stays. */
  async #list(record: ServerRecord, registry: string, secrets: Secrets): Promise<void> {
    this.#signal.throwIfAborted()
    const address = `${registry}/gatehouse/v1/dev/servers/${record.id}`
    const { status, reason } = await requestJson(Listed, address, jsonRequest('PUT', secrets.dev, record))
    this.#options.onEvent({ kind: 'listed', server: record.id, status, ...(reason !== undefined && { reason }) })
  }

  #onEvent(event: ServiceEvent | StackEdgeEvent): void {
    this.#options.onEvent(event)
    if (event.kind !== 'crashed') this.#note?.remember(event.pid, this.#pids())
  }

  #pids(): readonly number[] {
    return [...this.#running, this.#edge].map((service) => service?.pid()).filter((pid) => pid !== undefined)
  }
}

async function people(issuer: string, secrets: Secrets): Promise<z.infer<typeof People>> {
  return requestJson(People, `${issuer}/dev/people`, { headers: { Authorization: `Bearer ${secrets.dev}` } })
}
