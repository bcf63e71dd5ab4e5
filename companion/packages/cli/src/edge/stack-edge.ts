import { createWriteStream, type WriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createLogger, createShipper } from '@gatehouse/kit/edge'
import type { Addresses } from '../addresses.ts'
import { HOST } from '../ports.ts'
import { writeConfig } from './config-files.ts'
import { EdgeError } from './edge-error.ts'
import { createEdgeRecords } from './edge-records.ts'
import type { EdgeSockets } from './edge-sockets.ts'
import { checkConfig, type EnvoyProcess, startEnvoy } from './envoy-process.ts'
import { discoverKeys } from './issuer-keys.ts'
import { createEdgeAudit } from './refusal-audit.ts'
import { type EnvoyConfig, renderEnvoy } from './render-envoy.ts'

export interface StackEdgeOptions {
  /** Data folder of the stack. */
  readonly data: string
  readonly binary: string
  readonly addresses: Addresses
  readonly sockets: EdgeSockets
  /** For the registry's audit intake. */
  readonly intakeToken: string
  /** Gives up a start that is under way. */
  readonly signal: AbortSignal
  readonly onEvent: (event: StackEdgeEvent) => void
}

export type StackEdgeEvent =
  | { readonly kind: 'starting' | 'started'; readonly service: 'edge'; readonly pid: number }
  | { readonly kind: 'crashed'; readonly service: 'edge'; readonly reason: string; readonly restartInMs: number }

export interface StackEdge {
  pid(): number | undefined
  stop(): Promise<void>
}

const FIRST_PAUSE = 500
const LONGEST_PAUSE = 10_000
/** An edge that ran this long has recovered. */
const STEADY = 30_000
const START_LIMIT = 30_000
/** Between looks at the registry for records that have changed. */
const LOOK = 3_000

/**
 * Envoy in front of the servers of the local stack, kept running, rendered anew when their records change.
 * @throws EdgeError `envoy_failed`, and those of the records and of the issuer
 */
export async function startStackEdge(options: StackEdgeOptions): Promise<StackEdge> {
  const { data, binary, addresses, onEvent, signal } = options
  const folder = join(data, 'edge')
  const logs = edgeLogs(join(data, 'logs'))
  const log = createLogger('edge')
  const records = createEdgeRecords(addresses.registry, Object.keys(addresses.servers))
  const issuer = await discoverKeys(addresses.issuer)
  const audit = createEdgeAudit({
    records: () => records.current(),
    ship: createShipper({ registry: addresses.registry, token: options.intakeToken }),
    log,
  })
  const render = (): EnvoyConfig =>
    renderEnvoy({
      folder,
      environment: 'dev',
      publicUrl: addresses.edge ?? '',
      listen: { host: HOST, port: addresses.ports.edge },
      issuer,
      servers: records
        .current()
        .map((record) => ({ record, upstream: { kind: 'unix', path: options.sockets.pathOf(record.id) } })),
    })
  const stopping = new AbortController()
  let envoy: EnvoyProcess | undefined
  let running = false

  function launch(): EnvoyProcess {
    const next = startEnvoy({
      binary,
      folder,
      onAccess(line) {
        logs.access.write(`${line}\n`)
        audit.take(line)
      },
      onLog: (line) => void logs.own.write(`${line}\n`),
    })
    running = true
    void next.ended.then(() => (running = false))
    onEvent({ kind: 'starting', service: 'edge', pid: next.pid })
    envoy = next
    return next
  }

  async function supervise(first: EnvoyProcess): Promise<void> {
    let pause = FIRST_PAUSE
    let current = first
    while (!stopping.signal.aborted) {
      const since = Date.now()
      const reason = await current.ended
      if (stopping.signal.aborted) return
      pause = Date.now() - since > STEADY ? FIRST_PAUSE : pause
      onEvent({ kind: 'crashed', service: 'edge', reason, restartInMs: pause })
      await delay(pause, undefined, { signal: stopping.signal }).catch(() => undefined)
      if (stopping.signal.aborted) return
      pause = Math.min(pause * 2, LONGEST_PAUSE)
      current = launch()
      onEvent({ kind: 'started', service: 'edge', pid: current.pid })
    }
  }

  /** A change that Envoy would refuse is not written: what runs goes on. */
  async function watch(): Promise<void> {
    let stale = false
    while (!stopping.signal.aborted) {
      await delay(LOOK, undefined, { signal: stopping.signal }).catch(() => undefined)
      if (stopping.signal.aborted) return
      try {
        stale = (await records.refresh()) || stale
        if (!stale) continue
        const config = render()
        await checkConfig(binary, config)
        await writeConfig(folder, config)
        stale = false
      } catch (error) {
        log.error('the edge could not be rendered anew', { code: 'edge_not_rendered', error })
      }
    }
  }

  async function stop(): Promise<void> {
    stopping.abort()
    await envoy?.stop()
    await audit.stop()
    logs.end()
  }

  try {
    await mkdir(join(data, 'logs'), { recursive: true, mode: 0o700 })
    await records.refresh()
    const config = render()
    await checkConfig(binary, config)
    await writeConfig(folder, config)
    const first = launch()
    await untilServing(`${addresses.edge ?? ''}/healthz`, first, signal)
    onEvent({ kind: 'started', service: 'edge', pid: first.pid })
    void supervise(first)
    void watch()
  } catch (error) {
    await stop()
    throw error
  }
  return { pid: () => (running ? envoy?.pid : undefined), stop }
}

/** @throws EdgeError `envoy_failed`, or the signal's reason */
async function untilServing(url: string, envoy: EnvoyProcess, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(START_LIMIT)])
  let ended: string | undefined
  void envoy.ended.then((how) => (ended = how))
  while (
    !(await fetch(url, { signal: limit }).then(
      (response) => response.ok,
      () => false,
    ))
  ) {
    signal.throwIfAborted()
    if (ended !== undefined) throw new EdgeError('envoy_failed', `Envoy ${ended}; its log is logs/edge.log`)
    if (limit.aborted) throw new EdgeError('envoy_failed', 'Envoy did not answer in time; its log is logs/edge.log')
    await delay(50)
  }
}

/** Two files, for Envoy's own words and for the requests. */
function edgeLogs(folder: string): { own: WriteStream; access: WriteStream; end(): void } {
  const file = (name: string): WriteStream => {
    const stream = createWriteStream(join(folder, name), { flags: 'a', mode: 0o600 })
    // A full disk must not end the stack: the log is then incomplete.
    stream.on('error', () => undefined)
    return stream
  }
  const own = file('edge.log')
  const access = file('edge-access.log')
  return {
    own,
    access,
    end() {
      own.end()
      access.end()
    },
  }
}
