import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { bundleOf, type ServiceName } from './bundles.ts'
import { CliError } from './cli-error.ts'
import { takeDataFolder } from './data-lock.ts'
import { jsonRequest, requestJson } from './http.ts'
import { endLeftovers } from './leftovers.ts'
import { choosePorts, HOST, type PortName, type Ports } from './ports.ts'
import { startEmbeddedPostgres } from './postgres.ts'
import { prestoRecord } from './presto-record.ts'
import { DEV_SECRET_FILE, loadSecrets, type Secrets } from './secrets.ts'
import { type Service, type ServiceEvent, startService } from './service.ts'
import type { ReadyEvent, StackEvent } from './stack-events.ts'
import { readStackFile, removeStackFile, type StackFile, writeStackFile } from './stack-file.ts'

export interface StackOptions {
  readonly data: string
  /** 0 = any free ports. */
  readonly portBase: number
  readonly services: readonly ServiceName[]
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
  #file: StackFile | undefined

  constructor(options: StackOptions, signal: AbortSignal) {
    this.#options = options
    this.#signal = signal
  }

  stopWith(stop: () => Promise<void>): void {
    this.#stops.push(stop)
  }

  /** In reverse order. One that fails does not keep the others. */
  async stop(): Promise<void> {
    this.#file = undefined
    for (const stop of this.#stops.splice(0).reverse()) await stop().catch(() => undefined)
  }

  async start(): Promise<ReadyEvent> {
    const { data, services, portBase } = this.#options
    const has = (name: ServiceName): boolean => services.includes(name)
    await endLeftovers((await readStackFile(data).catch(() => undefined))?.pids ?? [], services.map(bundleOf))
    const secrets = await loadSecrets(data)
    const ports = await choosePorts(portBase, this.#portNames())
    const url = (name: PortName): string => `http://${HOST}:${ports[name]}`
    await this.#announce(url)
    const databaseUrl = has('registry') ? await this.#database(ports) : ''
    const common = (name: ServiceName) => ({
      GATEHOUSE_HOST: HOST,
      GATEHOUSE_PORT: String(ports[name]),
      GATEHOUSE_DATA: join(data, name),
    })

    await this.#service('identity', {
      ...common('identity'),
      GATEHOUSE_REGISTRY: url('registry'),
      GATEHOUSE_DEV_SECRET: secrets.dev,
    })
    if (has('registry')) {
      await this.#service('registry', {
        ...common('registry'),
        GATEHOUSE_ISSUER: url('identity'),
        GATEHOUSE_INTAKE_TOKEN: secrets.intake,
        GATEHOUSE_DEV_SECRET: secrets.dev,
        DATABASE_URL: databaseUrl,
      })
    }
    if (has('presto')) {
      await this.#listPresto(url('registry'), `${url('presto')}/mcp`, secrets)
      await this.#service('presto', {
        ...common('presto'),
        GATEHOUSE_ISSUER: url('identity'),
        GATEHOUSE_REGISTRY: url('registry'),
        GATEHOUSE_INTAKE_TOKEN: secrets.intake,
        DATABASE_URL: databaseUrl,
      })
    }
    return {
      kind: 'ready',
      ...(has('registry') && { registry: url('registry') }),
      issuer: url('identity'),
      servers: has('presto') ? { presto: { url: `${url('presto')}/mcp` } } : {},
      ...(await people(url('identity'), secrets)),
    }
  }

  #portNames(): readonly PortName[] {
    const { services, databaseUrl } = this.#options
    // The registry's URL is part of identity's configuration, whether it runs here or not.
    const names = new Set<PortName>([...services, 'registry'])
    if (services.includes('registry') && databaseUrl === undefined) names.add('database')
    return [...names]
  }

  async #database(ports: Ports): Promise<string> {
    const { databaseUrl, data, onEvent } = this.#options
    if (databaseUrl !== undefined) {
      onEvent({ kind: 'database', where: 'DATABASE_URL' })
      return databaseUrl
    }
    this.#signal.throwIfAborted()
    const postgres = await startEmbeddedPostgres({ dataDir: join(data, 'postgres'), port: ports.database })
    this.stopWith(() => postgres.stop())
    onEvent({ kind: 'database', where: 'embedded' })
    return postgres.databaseUrl('gatehouse')
  }

  async #service(name: ServiceName, environment: Readonly<Record<string, string>>): Promise<void> {
    this.#signal.throwIfAborted()
    const logs = join(this.#options.data, 'logs')
    await mkdir(logs, { recursive: true, mode: 0o700 })
    const service = await startService({
      name,
      environment,
      logs,
      signal: this.#signal,
      onEvent: (event) => this.#onEvent(event),
    })
    this.#running.push(service)
    this.stopWith(() => service.stop())
  }

  /** Reviewed and listed, with the digest of the surface that is really there. A suspension made before stays. */
  async #listPresto(registry: string, url: string, secrets: Secrets): Promise<void> {
    this.#signal.throwIfAborted()
    const record = await prestoRecord(url)
    const address = `${registry}/gatehouse/v1/dev/servers/${record.id}`
    const { status, reason } = await requestJson(Listed, address, jsonRequest('PUT', secrets.dev, record))
    this.#options.onEvent({ kind: 'listed', server: record.id, status, ...(reason !== undefined && { reason }) })
  }

  #onEvent(event: ServiceEvent): void {
    this.#options.onEvent(event)
    // Not written: the other commands still work, and a start after `kill -9` waits for the ports instead.
    if (event.kind !== 'crashed') this.#remember(event.pid).catch(() => undefined)
  }

  async #announce(url: (name: PortName) => string): Promise<void> {
    const { services, data } = this.#options
    this.#file = {
      issuer: url('identity'),
      ...(services.includes('registry') && { registry: url('registry') }),
      servers: services.includes('presto') ? { presto: { url: `${url('presto')}/mcp` } } : {},
      devSecretFile: join(data, DEV_SECRET_FILE),
      pids: [],
    }
    await this.#save()
    this.stopWith(() => removeStackFile(data))
  }

  /** Kept from the moment that a process exists, so that a start after `kill -9` finds it. */
  async #remember(pid: number): Promise<void> {
    if (!this.#file || this.#file.pids.includes(pid)) return
    const alive = this.#running.map((service) => service.pid()).filter((running) => running !== undefined)
    this.#file = { ...this.#file, pids: [...new Set([...alive, pid])] }
    await this.#save()
  }

  async #save(): Promise<void> {
    if (!this.#file) return
    try {
      await writeStackFile(this.#options.data, this.#file)
    } catch (cause) {
      throw new CliError('data_folder_broken', `cannot write to the data folder ${this.#options.data}`, { cause })
    }
  }
}

async function people(issuer: string, secrets: Secrets): Promise<z.infer<typeof People>> {
  return requestJson(People, `${issuer}/dev/people`, { headers: { Authorization: `Bearer ${secrets.dev}` } })
}
