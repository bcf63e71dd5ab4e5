import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { EdgeError } from './edge-error.ts'
import { BOOTSTRAP_FILE, type EnvoyConfig, inOneFile } from './render-envoy.ts'

export interface EnvoyOptions {
  readonly binary: string
  /** Holds the rendered files. */
  readonly folder: string
  /** Each line of the access log. */
  readonly onAccess: (line: string) => void
  /** Each line of Envoy's own log. */
  readonly onLog: (line: string) => void
}

export interface EnvoyProcess {
  readonly pid: number
  /** Resolves with how it ended, whoever ended it. */
  readonly ended: Promise<string>
  stop(): Promise<void>
}

const STOP_LIMIT = 5_000

/** Starts Envoy on a folder of rendered files. Whether it listens is for its health path to say. */
export function startEnvoy({ binary, folder, onAccess, onLog }: EnvoyOptions): EnvoyProcess {
  const child = spawn(binary, ['-c', join(folder, BOOTSTRAP_FILE), ...SETTINGS], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own keeps Ctrl-C from reaching it before us.
    detached: true,
  })
  createInterface({ input: child.stdout }).on('line', onAccess)
  createInterface({ input: child.stderr }).on('line', onLog)
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => resolve(signal === null ? `ended with status ${code}` : `ended by ${signal}`))
  })
  return { pid: child.pid ?? 0, ended, stop: () => end(child) }
}

const SETTINGS = [
  // Nothing is handed from one process to the next, so that two edges on one machine need not know each other.
  '--disable-hot-restart',
  '--concurrency',
  '2',
  '--log-level',
  'warning',
  // A refusal is in the audit soon after it was given.
  '--file-flush-interval-msec',
  '200',
  // Streams that began under older records may go on this long; a call ends before.
  '--drain-time-s',
  '330',
]

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT)
  await exited
  clearTimeout(timer)
}

/**
 * Whether Envoy would take the configuration. It looks at watched files only when it runs, so they are put in one for the check.
 * @throws EdgeError `envoy_failed` with Envoy's own words
 */
export async function checkConfig(binary: string, config: EnvoyConfig): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-edge-check-'))
  const file = join(folder, BOOTSTRAP_FILE)
  try {
    await writeFile(file, JSON.stringify(inOneFile(config)), { mode: 0o600 })
    await promisify(execFile)(binary, ['-c', file, '--mode', 'validate', '--log-level', 'error'], {
      timeout: CHECK_LIMIT,
      maxBuffer: 16 * 1024 * 1024,
    })
  } catch (cause) {
    throw new EdgeError('envoy_failed', `Envoy refuses its configuration: ${faultIn(cause)}`, { cause })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const CHECK_LIMIT = 60_000

/** Envoy repeats the whole configuration before it says what is wrong with it. */
function faultIn(cause: unknown): string {
  const words = typeof cause === 'object' && cause !== null && 'stderr' in cause ? String(cause.stderr) : String(cause)
  return words.trim().split('\n').at(-1)?.slice(0, 2_000) ?? ''
}
