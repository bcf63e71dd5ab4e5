import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { bundleOf } from './bundles.ts'
import { type Fault, keepLog, listeningUrl } from './child-output.ts'
import { CliError } from './cli-error.ts'
import type { ServiceName } from './services.ts'

export interface ServiceOptions {
  readonly name: ServiceName
  readonly environment: Readonly<Record<string, string>>
  /** Folder of the log files. */
  readonly logs: string
  /** Gives up a start that is under way. */
  readonly signal: AbortSignal
  readonly onEvent: (event: ServiceEvent) => void
}

export type ServiceEvent =
  | { readonly kind: 'starting' | 'started'; readonly service: ServiceName; readonly pid: number }
  | { readonly kind: 'crashed'; readonly service: ServiceName; readonly reason: string; readonly restartInMs: number }

export interface Service {
  readonly url: string
  pid(): number | undefined
  stop(): Promise<void>
}

const FIRST_PAUSE = 500
const LONGEST_PAUSE = 10_000
/** A service that ran this long has recovered: the next pause is the first again. */
const STEADY = 30_000
const START_LIMIT = 60_000
const STOP_LIMIT = 15_000
/** How long the registry's signed records and lists live, seconds: the only settings of a service that a person may give to the whole stack. */
const LIVES = new Set(['GATEHOUSE_RECORD_LIFE', 'GATEHOUSE_LIST_LIFE'])

interface Run {
  readonly child: ChildProcess
  /** Resolves when it has ended. */
  readonly exited: Promise<string>
  readonly url: Promise<string>
  lastFault(): Fault | undefined
}

/**
 * Starts one bundled service and keeps it running: when it ends by itself it is started again, after a pause that doubles. An IPC channel
 * ends it with this process, even after `kill -9`; a process group of its own keeps Ctrl-C from reaching it before us.
 * @throws CliError `service_failed` or the service's own code, when it does not start the first time
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  let run = launch(options)
  const stopping = new AbortController()
  const url = await firstUrl(options, run)
  options.onEvent({ kind: 'started', service: options.name, pid: run.child.pid ?? 0 })
  void supervise()

  async function supervise(): Promise<void> {
    let pause = FIRST_PAUSE
    let since = Date.now()
    let ended = await run.exited
    while (!stopping.signal.aborted) {
      pause = Date.now() - since > STEADY ? FIRST_PAUSE : pause
      const reason = run.lastFault()?.message ?? ended
      options.onEvent({ kind: 'crashed', service: options.name, reason, restartInMs: pause })
      await delay(pause, undefined, { signal: stopping.signal }).catch(() => undefined)
      if (stopping.signal.aborted) return
      pause = Math.min(pause * 2, LONGEST_PAUSE)
      since = Date.now()
      ended = await again()
    }
  }

  /** Resolves when the service has ended once more, or could not even be launched (its bundle is being built anew). */
  async function again(): Promise<string> {
    try {
      const next = launch(options)
      run = next
      void next.url.then(() => options.onEvent({ kind: 'started', service: options.name, pid: next.child.pid ?? 0 }))
      return await next.exited
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  return {
    url,
    pid: () => (run.child.exitCode === null && run.child.signalCode === null ? run.child.pid : undefined),
    async stop() {
      stopping.abort()
      await end(run)
    },
  }
}

function launch({ name, environment, logs, onEvent }: ServiceOptions): Run {
  const child = fork(bundleOf(name), [], {
    env: { ...inherited(), ...environment },
    execArgv: [],
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  onEvent({ kind: 'starting', service: name, pid: child.pid ?? 0 })
  if (!child.stdout || !child.stderr) throw new CliError('service_failed', `${name} has no output`)
  const log = keepLog(child.stderr, join(logs, `${name}.log`))
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    // `close` and not `exit`: then its last words have been read.
    child.once('close', (code, signal) => resolve(signal === null ? `ended with status ${code}` : `ended by ${signal}`))
  })
  return { child, exited, url: listeningUrl(child.stdout), lastFault: () => log.lastFault() }
}

async function firstUrl({ name, signal }: ServiceOptions, run: Run): Promise<string> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(START_LIMIT)])
  const outcome = await Promise.race([
    run.url.then((url) => ({ url })),
    run.exited.then((ended) => ({ failed: run.lastFault() ?? { code: 'service_failed', message: ended } })),
    aborted(limit).then(() => ({ failed: { code: 'service_failed', message: 'did not answer in time' } })),
  ])
  if ('url' in outcome) return outcome.url
  await end(run)
  signal.throwIfAborted()
  throw new CliError(outcome.failed.code, `${name} did not start: ${outcome.failed.message}`)
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}

async function end({ child }: Run): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT)
  await exited
  clearTimeout(timer)
}

/** Our own settings must not leak into the services: each gets exactly those that it needs. */
function inherited(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env)
  const kept = (name: string) => LIVES.has(name) || (!name.startsWith('GATEHOUSE_') && name !== 'DATABASE_URL')
  return Object.fromEntries(entries.filter(([name]) => kept(name)))
}
