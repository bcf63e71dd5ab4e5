// What the edge costs: a read tool called directly, the server verifying the token itself, and through Envoy over mutual TLS, with the same
// DPoP-bound token. The two take turns. Then what a decision costs for a server with 200 tools.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleChildren } from './bundle.ts'
import type { DecideFigures } from './edge-decide.ts'
import type { Behind } from './edge-proxy.ts'
import { median, report } from './figures.ts'
import { ask, type Contender, printTurns, ready, take, type Turn } from './kit-contender.ts'
import { ProofMint } from './kit-proofs.ts'
import { type Child, type Governed, startChild } from './kit-server.ts'
import { freePort } from '../scripts/free-port.ts'

const ROUNDS = Number(process.env['GATEHOUSE_BENCH_ROUNDS'] ?? 7)
const CALLS = 1_000
const IN_FLIGHT = [1, 8, 32]
const WARM_UP = 5_000

const files = await bundleChildren('edge', {
  authority: 'kit-authority',
  server: 'kit-governed',
  proxy: 'edge-proxy',
  decider: 'edge-decider',
})
const data = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'))
const children: Child[] = []
try {
  const decided = (await start(files.decider)).hello as unknown as DecideFigures
  const turns = await measure()
  printTurns(turns)
  printDecided(decided)
  figures((key) => turns.get(key) ?? [], decided)
} finally {
  for (const { process: child } of children) child.disconnect()
  for (const { process: child } of children) if (child.exitCode === null) await once(child, 'exit')
  await rm(data, { recursive: true, force: true })
}

async function measure(): Promise<ReadonlyMap<string, readonly Turn[]>> {
  const contenders = [await direct(), await throughEdge()]
  const turns = new Map<string, Turn[]>()
  for (const contender of contenders) await take(contender, WARM_UP, 8)
  for (const inFlight of IN_FLIGHT) {
    for (const contender of contenders) await take(contender, CALLS, inFlight)
    for (let round = 0; round < ROUNDS; round++) {
      for (const contender of contenders) {
        const key = `${contender.name}, c${inFlight}`
        turns.set(key, [...(turns.get(key) ?? []), await take(contender, CALLS, inFlight)])
      }
    }
  }
  return turns
}

async function direct(): Promise<Contender> {
  const authority = await start(files.authority)
  const child = await start(files.server, serverArgs(authority, 'direct'))
  const server = child.hello as unknown as Governed
  await ask(authority, { kind: 'record', server })
  await ready(server.url)
  return contender('direct', child, authority, server.url)
}

async function throughEdge(): Promise<Contender> {
  const authority = await start(files.authority)
  const port = await freePort()
  const proxy = await start(files.proxy, [data, String(port)])
  const publicUrl = `http://127.0.0.1:${port}/bench`
  const folder = String(proxy.hello['serverFolder'])
  const child = await start(files.server, [...serverArgs(authority, 'behind'), publicUrl, folder])
  const server = child.hello as unknown as Governed & { mtlsUrl: string }
  const record: unknown = JSON.parse(await ask(authority, { kind: 'record', server }))
  const behind: Behind = { record, issuer: String(authority.hello['issuer']), upstream: server.mtlsUrl }
  await ask(proxy, behind)
  return contender('Envoy, mutual TLS', child, authority, server.url)
}

async function contender(name: string, child: Child, authority: Child, url: string): Promise<Contender> {
  const mint = new ProofMint()
  const token = await ask(authority, {
    kind: 'token',
    audience: url,
    client: 'gatehouse-vscode',
    thumbprint: mint.thumbprint,
  })
  const target = { url, authorization: `DPoP ${token}`, proofs: (count: number) => mint.mint(count, url, token) }
  return { name, child, target }
}

function serverArgs(authority: Child, name: string): string[] {
  const { issuer, registry, intakeToken } = authority.hello
  return ['200', String(issuer), String(registry), String(intakeToken), join(data, name)]
}

function printDecided({ p50, p99, freshP99, list, freshList }: DecideFigures): void {
  const show = (value: number) => value.toFixed(4)
  process.stdout.write(
    `decide, 200 tools: p50 ${show(p50)} ms, p99 ${show(p99)} ms, p99 of a caller's first ${show(freshP99)} ms; ` +
      `list of 200 tools ${show(list)} ms, for a new caller ${show(freshList)} ms\n`,
  )
}

function figures(of: (key: string) => readonly Turn[], decided: DecideFigures): void {
  /** Round by round, since what disturbs a round disturbs both. */
  const compare = (inFlight: number, how: (edge: Turn, direct: Turn) => number) => {
    const others = of(`direct, c${inFlight}`)
    return median(of(`Envoy, mutual TLS, c${inFlight}`).map((turn, round) => how(turn, others[round] ?? turn)))
  }
  const added = compare(1, (edge, alone) => edge.p50 - alone.p50)
  const throughput = (inFlight: number) => {
    const value = compare(inFlight, (edge, alone) => edge.callsPerSecond / alone.callsPerSecond)
    return { name: `envoy_throughput_ratio_c${inFlight}`, value, unit: 'ratio', aim: '>=0.5', holds: value >= 0.5 }
  }
  report('edge', [
    { name: 'envoy_added_p50_ms_c1', value: added, unit: 'ms', aim: '<=1', holds: added <= 1 },
    { name: 'decide_p99_ms', value: decided.p99, unit: 'ms', aim: '<0.1', holds: decided.p99 < 0.1 },
    { name: 'list_200_tools_ms', value: decided.freshList, unit: 'ms', aim: '<2', holds: decided.freshList < 2 },
    throughput(8),
    throughput(32),
  ])
}

async function start(file: string | undefined, args: readonly string[] = []): Promise<Child> {
  const child = await startChild(String(file), args)
  children.push(child)
  return child
}
