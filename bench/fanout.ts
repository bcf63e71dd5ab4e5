// The embedded client facing 50 MCP servers at once: time from the first look, with nothing connected, until the tools of the healthy ones are
// listed and checked and may be called; with all 50 healthy, and with one that hangs, one that is slow and one that resets. The baseline of the same
// run is the SDK's own client, which carries no token and checks nothing. Each run is in a fresh process, as a window is.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from '../scripts/process.ts'
import type { FanoutAsk, FanoutServer, FanoutTimes, Fault } from './fanout-peer.ts'
import { median, report } from './figures.ts'

const RUNS = 5
const SERVERS = 50
const FAULTS: Readonly<Record<string, Fault>> = { 'fan-7': 'hangs', 'fan-23': 'slow', 'fan-41': 'resets' }
/** As the faults must be told. */
const CODES: Readonly<Record<string, string>> = {
  'fan-7': 'server_timeout',
  'fan-23': 'server_timeout',
  'fan-41': 'server_disconnected',
}

const folder = await mkdtemp(join(root, 'dist/bench-fanout-'))
const hosts: ChildProcess[] = []
try {
  await build({
    absWorkingDir: root,
    entryPoints: ['bench/fanout-client.ts', 'bench/fanout-servers.ts'],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    logLevel: 'warning',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module';const require = __createRequire(import.meta.url);",
    },
  })
  hosts.push(
    ...[0, SERVERS / 2].map((first) => fork(join(folder, 'fanout-servers.mjs'), [String(first), String(SERVERS / 2)])),
  )
  const servers = (
    await Promise.all(hosts.map(async (host) => (await once(host, 'message'))[0] as FanoutServer[]))
  ).flat()

  // The servers have been running for a while when a window opens.
  for (let index = 0; index < 3; index++) await meet('sdk', servers)

  const healthy = { gatehouse: [] as number[], sdk: [] as number[] }
  for (let index = 1; index <= RUNS; index++) {
    for (const client of ['sdk', 'gatehouse'] as const) healthy[client].push(usableAt(await meet(client, servers)))
    process.stdout.write(
      `run ${index}: all 50 after ${healthy.gatehouse.at(-1)?.toFixed(0)} ms, SDK ${healthy.sdk.at(-1)?.toFixed(0)} ms\n`,
    )
  }
  await tell(FAULTS)
  const others: number[] = []
  const told: string[] = []
  for (let index = 1; index <= RUNS; index++) {
    const times = await meet('gatehouse', servers)
    others.push(usableAt(times))
    told.push(...Object.keys(FAULTS).filter((id) => times[id]?.code === CODES[id]))
    process.stdout.write(
      `run ${index}: 47 after ${others.at(-1)?.toFixed(0)} ms; ${Object.entries(FAULTS)
        .map(([id, fault]) => `${fault}: ${times[id]?.code}`)
        .join(', ')}\n`,
    )
  }

  const usable50 = median(healthy.gatehouse)
  const usable47 = median(others)
  const rightly = told.length / (RUNS * Object.keys(FAULTS).length)
  /** What it takes where nothing else wants the processor: the rest of the median is other programs' time. */
  const least50 = Math.min(...healthy.gatehouse)
  const least47 = Math.min(...others)
  report('fanout', [
    { name: 'usable_47_ms', value: usable47, unit: 'ms', aim: '<1000', holds: usable47 < 1000 },
    { name: 'usable_50_ms', value: usable50, unit: 'ms', aim: '<500', holds: usable50 < 500 },
    { name: 'usable_47_least_ms', value: least47, unit: 'ms', aim: '<1000', holds: least47 < 1000 },
    { name: 'usable_50_least_ms', value: least50, unit: 'ms', aim: '<500', holds: least50 < 500 },
    {
      name: 'usable_50_ratio',
      value: usable50 / median(healthy.sdk),
      unit: 'ratio',
      aim: '<2',
      holds: usable50 < 2 * median(healthy.sdk),
    },
    { name: 'faults_told_ratio', value: rightly, unit: 'ratio', aim: '=1', holds: rightly === 1 },
  ])
} finally {
  for (const host of hosts) host.disconnect()
  await rm(folder, { recursive: true, force: true })
}

/** Milliseconds until the last of those that did not fail was usable. */
function usableAt(times: FanoutTimes): number {
  return Math.max(...Object.values(times).flatMap(({ at, code }) => (code === undefined ? at : [])))
}

async function meet(client: FanoutAsk['client'], servers: readonly FanoutServer[]): Promise<FanoutTimes> {
  const host = fork(join(folder, 'fanout-client.mjs'))
  const ended = once(host, 'exit')
  await once(host, 'message')
  host.send({ client, servers } satisfies FanoutAsk)
  const [times] = (await Promise.race([once(host, 'message'), ended.then(() => [undefined])])) as [
    FanoutTimes | undefined,
  ]
  if (times === undefined) throw new Error(`the ${client} client ended without an answer`)
  host.kill()
  await ended
  const failed = Object.entries(times).filter(([, { code }]) => code !== undefined)
  if (failed.length > Object.keys(FAULTS).length)
    throw new Error(`${failed.length} servers failed: ${JSON.stringify(failed[0])}`)
  return times
}

async function tell(faults: Readonly<Record<string, Fault>>): Promise<void> {
  await Promise.all(
    hosts.map(async (host) => {
      const heard = once(host, 'message')
      host.send(faults)
      await heard
    }),
  )
}
