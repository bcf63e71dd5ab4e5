import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { median } from './figures.ts'
import { load, type Target } from './kit-load.ts'
import { type Child, processorTime } from './kit-server.ts'

/** A server that is measured. */
export interface Contender {
  readonly name: string
  readonly child: Child
  readonly target: Target
}

/** What one turn of it came to. */
export interface Turn {
  readonly callsPerSecond: number
  readonly p50: number
  readonly p99: number
  /** Processor time of the server, microseconds per call. */
  readonly cpu: number
  readonly failures: number
}

export async function take({ child, target }: Contender, calls: number, inFlight: number): Promise<Turn> {
  const before = await processorTime(child)
  const { callsPerSecond, latencies, failures } = await load(target, calls, inFlight)
  const cpu = ((await processorTime(child)) - before) / calls
  const sorted = [...latencies].sort((a, b) => a - b)
  const at = (part: number) => sorted[Math.floor(sorted.length * part)] ?? Number.NaN
  return { callsPerSecond, p50: at(0.5), p99: at(0.99), cpu, failures }
}

export function printTurns(turns: ReadonlyMap<string, readonly Turn[]>): void {
  process.stdout.write('server, tools, in flight    calls/s   p50 ms   p99 ms   processor µs/call   failures\n')
  for (const [key, all] of turns) {
    const of = (pick: (turn: Turn) => number, digits: number, width: number) =>
      median(all.map(pick)).toFixed(digits).padStart(width)
    const failures = all.reduce((sum, turn) => sum + turn.failures, 0)
    process.stdout.write(
      `${key.padEnd(26)}${of((turn) => turn.callsPerSecond, 0, 9)}${of((turn) => turn.p50, 2, 9)}${of((turn) => turn.p99, 2, 9)}` +
        `${of((turn) => turn.cpu, 0, 20)}${String(failures).padStart(11)}\n`,
    )
  }
}

/** Asks a child something, and gives its reply. */
export async function ask(child: Child, request: object): Promise<string> {
  child.process.send(request)
  const [{ reply }] = (await once(child.process, 'message')) as [{ reply: string }]
  return reply
}

/** @throws when the server has no record in time */
export async function ready(endpoint: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const response = await fetch(new URL('/readyz', endpoint))
    await response.body?.cancel()
    if (response.ok) return
    await sleep(50)
  }
  throw new Error('the governed server did not get its record')
}
