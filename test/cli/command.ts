import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

/** The built bundles; `GATEHOUSE_TEST_COMPANION` names other ones, for example those out of a package. */
export const COMPANION = resolve(process.env['GATEHOUSE_TEST_COMPANION'] ?? 'dist/companion')
const MAIN = join(COMPANION, 'packages/cli/main.js')

export type Event = Readonly<Record<string, unknown>> & { readonly kind: string }
export interface Finished {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function environment(): NodeJS.ProcessEnv {
  const { DATABASE_URL: _databaseUrl, NODE_OPTIONS: _options, ...rest } = process.env
  return rest
}

/** Runs a command to its end. */
export async function gatehouse(...args: string[]): Promise<Finished> {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run "npm run build" first`)
  return new Promise((done) => {
    const child = execFile(process.execPath, [MAIN, ...args], { env: environment() }, (_error, stdout, stderr) =>
      done({ status: child.exitCode, stdout, stderr }),
    )
  })
}

/** `gatehouse up --json …`, with its events as they come. */
export class Up {
  readonly child: ChildProcess
  readonly events: Event[] = []
  stderr = ''
  readonly #closed: Promise<unknown>

  constructor(...args: string[]) {
    if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run "npm run build" first`)
    this.child = spawn(process.execPath, [MAIN, 'up', '--json', ...args], {
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#closed = once(this.child, 'close')
    if (this.child.stdout)
      createInterface({ input: this.child.stdout }).on('line', (line) => this.events.push(JSON.parse(line) as Event))
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
  }

  /** The first event that fits, past or to come. */
  async event(fits: (event: Event) => boolean, limit = 90_000): Promise<Event> {
    const deadline = Date.now() + limit
    for (;;) {
      const found = this.events.find(fits)
      if (found) return found
      if (this.child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`no such event; there were ${JSON.stringify(this.events)} and ${this.stderr}`)
      }
      await delay(25)
    }
  }

  async ready(): Promise<ReadyEvent> {
    return (await this.event(({ kind }) => kind === 'ready')) as unknown as ReadyEvent
  }

  /** Processes of the services that it started. */
  pids(): number[] {
    return this.events.flatMap((event) =>
      event.kind === 'starting' && typeof event['pid'] === 'number' ? event['pid'] : [],
    )
  }

  /** Waits until it has ended; `signal` tells it to. */
  async end(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal) this.child.kill(signal)
    await this.#closed
    return this.child.exitCode
  }
}

export interface ReadyEvent {
  readonly registry: string
  readonly issuer: string
  readonly servers: Readonly<Record<string, { readonly url: string }>>
  readonly people: readonly { readonly user: string; readonly groups: readonly string[] }[]
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Waits until none of the processes is left. */
export async function gone(pids: readonly number[], limit = 20_000): Promise<boolean> {
  const deadline = Date.now() + limit
  while (pids.some(isAlive) && Date.now() < deadline) await delay(50)
  return !pids.some(isAlive)
}
