// What governance costs: a read tool through the kit with everything on, against the same tool on the SDK's own McpServer with nothing on.
// The servers take turns, call by call batch, so that the noise of the machine is the same for all.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleChildren } from './bundle.ts'
import { median, report } from './figures.ts'
import { ask, type Contender, printTurns, ready, take, type Turn } from './kit-contender.ts'
import { ProofMint } from './kit-proofs.ts'
import { type Child, type Governed, startChild } from './kit-server.ts'

const ROUNDS = Number(process.env['GATEHOUSE_BENCH_ROUNDS'] ?? 5)
/** Calls in one turn of a server, by how many are in flight. */
const CALLS: Readonly<Record<number, number>> = { 1: 1000, 8: 1000, 32: 1000 }
const WARM_UP = 5_000

const files = await bundleChildren('kit', { authority: 'kit-authority', bare: 'kit-bare', governed: 'kit-governed' })
const data = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'))
const children: Child[] = []
try {
  await measure()
} finally {
  for (const { process: child } of children) child.disconnect()
  for (const { process: child } of children) if (child.exitCode === null) await once(child, 'exit')
  await rm(data, { recursive: true, force: true })
}

async function measure(): Promise<void> {
  const authority = await start(files.authority)
  const contenders: Contender[] = []
  for (const tools of [1, 200]) {
    const bare = await start(files.bare, [String(tools)])
    contenders.push({ name: `bare, ${tools}`, child: bare, target: { url: String(bare.hello['url']) } })
    contenders.push(...(await governed(authority, tools)))
  }
  const turns = new Map<string, Turn[]>()
  // Servers run for weeks: what is measured is code that is warm.
  for (const contender of contenders) await take(contender, WARM_UP, 8)
  for (const [inFlight, calls] of Object.entries(CALLS)) {
    for (const contender of contenders) await take(contender, calls, Number(inFlight))
    for (let round = 0; round < ROUNDS; round++) {
      for (const contender of contenders) {
        const key = `${contender.name}, c${inFlight}`
        turns.set(key, [...(turns.get(key) ?? []), await take(contender, calls, Number(inFlight))])
      }
    }
  }
  printTurns(turns)
  figures((key) => turns.get(key) ?? [])
}

/** One server with everything on, called with a bearer token and with DPoP. */
async function governed(authority: Child, tools: number): Promise<Contender[]> {
  const { issuer, registry, intakeToken } = authority.hello
  const child = await start(files.governed, [
    String(tools),
    String(issuer),
    String(registry),
    String(intakeToken),
    join(data, String(tools)),
  ])
  const server = child.hello as unknown as Governed
  await ask(authority, { kind: 'record', server })
  await ready(server.url)
  const mint = new ProofMint()
  const bearer = await ask(authority, { kind: 'token', audience: server.url, client: 'gatehouse-cli' })
  const bound = await ask(authority, {
    kind: 'token',
    audience: server.url,
    client: 'gatehouse-vscode',
    thumbprint: mint.thumbprint,
  })
  const { url } = server
  return [
    { name: `bearer, ${tools}`, child, target: { url, authorization: `Bearer ${bearer}` } },
    {
      name: `dpop, ${tools}`,
      child,
      target: { url, authorization: `DPoP ${bound}`, proofs: (count) => mint.mint(count, url, bound) },
    },
  ]
}

function figures(of: (key: string) => readonly Turn[]): void {
  /** Round by round, since what disturbs a round disturbs both. */
  const compare = (one: string, other: string, how: (a: Turn, b: Turn) => number) => {
    const others = of(other)
    return median(of(one).map((turn, round) => how(turn, others[round] ?? turn)))
  }
  const throughput = (one: Turn, other: Turn) => one.callsPerSecond / other.callsPerSecond
  const c8 = compare('bearer, 1, c8', 'bare, 1, c8', throughput)
  const dpop = compare('dpop, 1, c8', 'bare, 1, c8', throughput)
  const many = compare('bearer, 200, c8', 'bare, 200, c8', throughput)
  const added = compare('dpop, 1, c1', 'bare, 1, c1', (one, other) => one.p50 - other.p50)
  report('kit', [
    { name: 'throughput_ratio_c8', value: c8, unit: 'ratio', aim: '>=1', holds: c8 >= 1 },
    { name: 'throughput_ratio_dpop_c8', value: dpop, unit: 'ratio', aim: '>=0.8', holds: dpop >= 0.8 },
    { name: 'throughput_ratio_200tools_c8', value: many, unit: 'ratio', aim: '>=2', holds: many >= 2 },
    { name: 'added_p50_ms_c1', value: added, unit: 'ms', aim: '<=0.3', holds: added <= 0.3 },
  ])
}

async function start(file: string, args: readonly string[] = []): Promise<Child> {
  const child = await startChild(file, args)
  children.push(child)
  return child
}
