import { randomUUID } from 'node:crypto'
import { digestOf } from '@gatehouse/contracts'
import { describeServer } from '@gatehouse/kit'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { verifies } from '../requirements.ts'
import { fixtureServer } from '../support/fixture-tools.ts'
import { bundleFixture, type FixtureProcess, type FixtureProgram } from '../support/fixture-process.ts'
import { startWorld, until, type World } from '../support/fixture-world.ts'
import { rawCall } from '../support/mcp-request.ts'
import { createGun } from './edge-fuzz/fire.ts'
import { requestOf, type Surroundings } from './edge-fuzz/request.ts'
import type { ServerState } from './edge-fuzz/server.ts'
import { type Credential, type Shot, shot } from './edge-fuzz/shot.ts'

const SHOTS = Number(process.env['GATEHOUSE_FUZZ_SHOTS'] ?? 20_000)
const BATCH = Math.min(1_000, SHOTS)
/** Shots after which the heap is measured first: by then every cache and table is as full as it gets. */
const WARM = Math.min(2_000, SHOTS / 2)
const IN_FLIGHT = 48
const SEED = Number(process.env['GATEHOUSE_FUZZ_SEED'] ?? Date.now() % 2 ** 31)

let world: World
let program: FixtureProgram
let server: FixtureProcess
let url: string

beforeAll(async () => {
  ;[world, program] = await Promise.all([startWorld(), bundleFixture('test/kit/edge-fuzz/server.ts')])
  // Only its identity provider, registry and database are needed.
  await world.server.stop()
  server = await program.start(
    {
      GATEHOUSE_DATA: `${program.folder}/data`,
      GATEHOUSE_ISSUER: world.issuer.url,
      GATEHOUSE_REGISTRY: world.registry.url,
      GATEHOUSE_INTAKE_TOKEN: world.registry.intakeToken,
      DATABASE_URL: world.databaseUrl,
      // A request that is never finished is answered soon, and wrong tokens are looked at to the last.
      GATEHOUSE_LIMITS: JSON.stringify({ headersTime: 800, requestTime: 1_000, failures: 1_000_000 }),
    },
    // Interpreted: machine code and what the compilers note of types come and go as they like, and are no data.
    ['--expose-gc', '--no-opt', '--no-maglev', '--no-sparkplug', '--no-lazy-feedback-allocation'],
  )
  url = `${server.url}/mcp`
  world.registry.answer({ kind: 'signed', record: world.record({ url }), life: 3_600 })
  await until(async () => (await fetch(`${server.url}/readyz`)).ok)
}, 120_000)
afterAll(async () => {
  await program.dispose()
  await world.stop()
})

async function createSurroundings(): Promise<Surroundings & { open(credential: Credential, session: string): void }> {
  const token = (claims: Record<string, unknown> = {}) => world.issuer.token(url, { exp: now() + 3_600, ...claims })
  const bound = await token({ client_id: 'gatehouse-vscode', cnf: { jkt: world.device.thumbprint } })
  const replayed = await world.device.proof('POST', url, bound)
  const bearers: Partial<Record<Credential, string>> = {
    bearer: await token(),
    finance: await token({ sub: 'finn', groups: ['finance'] }),
    outsider: await token({ sub: 'carl', groups: [] }),
    expired: await token({ exp: now() - 3_600 }),
    elsewhere: await world.issuer.token('http://127.0.0.1:1/mcp'),
  }
  const sessions = new Map<Credential, string>()
  const toolDigest = describeServer(fixtureServer()).tools.find(({ name }) => name === 'store')?.digest
  return {
    url,
    async credentials({ credential }, method) {
      if (credential === 'none') return []
      if (credential === 'wrong') return [['authorization', `Bearer ${randomUUID()}`]]
      const bearer = bearers[credential]
      if (bearer !== undefined) return [['authorization', `Bearer ${bearer}`]]
      const authorization = ['authorization', `DPoP ${bound}`] as const
      if (credential === 'proofless') return [authorization]
      const proof = credential === 'replayed' ? replayed : await world.device.proof(method, url, bound)
      return [authorization, ['dpop', proof]]
    },
    receipt: (args) =>
      world.device.receipt({
        sub: 'ada',
        aud: url,
        iat: now(),
        exp: now() + 300,
        jti: randomUUID(),
        tool: 'store',
        args: digestOf(args),
        tool_digest: toolDigest,
        step: randomUUID(),
        plan: digestOf('plan'),
      }),
    session: ({ credential }) => sessions.get(credential),
    open: (credential, session) => sessions.set(credential, session),
  }
}

/** A genuine request. */
const PLAIN: Shot = {
  era: 'modern',
  ask: 'echo',
  text: 'x',
  credential: 'bearer',
  approved: false,
  body: [],
  json: [],
  headers: [],
  method: undefined,
  path: undefined,
  framing: 'length',
  wire: [],
}

const now = () => Math.floor(Date.now() / 1_000)

/** With nothing left to do: no request open, no call running, no audit event waiting. */
async function stateAtRest(): Promise<ServerState> {
  await until(async () => {
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    const value = (name: string) => Number(new RegExp(`^gatehouse_${name}\\{.*\\} (\\d+)`, 'm').exec(metrics)?.[1])
    return value('http_requests') <= 1 && value('calls_running') === 0 && value('audit_waiting') === 0
  })
  return server.ask<ServerState>('state')
}

it(`bears ${SHOTS} requests that no client would send`, { timeout: 900_000 }, async () => {
  verifies('SRV-KIT.7', 'SRV-KIT.11', 'OBS-2.1', 'SRV-KIT.4')
  const surroundings = await createSurroundings()
  const gun = createGun(url, IN_FLIGHT)
  const statuses: Record<number, number> = {}
  let fired = 0
  let before: ServerState | undefined

  // As many sessions as each caller may have: from then on the oldest gives way.
  const opening: Shot = { ...PLAIN, ask: 'initialize', era: 'legacy' }
  for (const credential of ['bearer', 'finance', 'outsider', 'dpop'] as const) {
    for (let n = 0; n < 20; n++) expect(await shoot({ ...opening, credential })).toBeUndefined()
  }
  fired = 0

  async function shoot(one: Shot): Promise<string | undefined> {
    const answer = await gun.fire(one, await requestOf(one, surroundings))
    fired++
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1
    if (answer.session !== undefined) surroundings.open(one.credential, answer.session)
    if (answer.hung) return `hung: ${JSON.stringify(one)}`
    if (answer.status >= 500) return `answered ${answer.status}: ${JSON.stringify(one)}`
    return undefined
  }

  const property = fc.asyncProperty(
    fc.array(shot, { minLength: BATCH, maxLength: BATCH, size: 'max' }),
    async (shots) => {
      const waiting = [...shots]
      const faults: string[] = []
      const worker = async () => {
        for (let one = waiting.pop(); one; one = waiting.pop()) {
          const fault = await shoot(one)
          if (fault !== undefined) faults.push(fault)
        }
      }
      await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
      if (faults.length > 0) throw new Error(faults.join('\n'))
      if (before === undefined && fired >= WARM) before = await stateAtRest()
    },
  )
  // Shrinking would repeat hundreds of requests, and the shot that failed says it all.
  const result = await fc.check(property, { numRuns: SHOTS / BATCH, seed: SEED, endOnFailure: true })
  const { errorInstance } = result
  const whatFailed = errorInstance instanceof Error ? errorInstance.message : 'something that is no error was thrown'
  const fault = result.failed ? whatFailed : ''
  expect(fault, `GATEHOUSE_FUZZ_SEED=${SEED}`).toBe('')
  gun.close()

  // It got deep, and is as well as before.
  expect(fired).toBe(SHOTS)
  expect(statuses[200]).toBeGreaterThan(SHOTS / 5)
  const after = await stateAtRest()
  expect(after.heap / (before?.heap ?? 0), `GATEHOUSE_FUZZ_SEED=${SEED}`).toBeLessThan(1.1)
  const token = await world.issuer.token(url)
  expect((await rawCall({ url, token, tool: 'echo', arguments: { text: 'x' } })).structured).toEqual({ value: 'x' })
  // What a client did wrong is no fault of the server's.
  expect(
    server
      .log()
      .split('\n')
      .filter((line) => line.includes('"level":"error"')),
  ).toEqual([])

  // No write without its audit, nor without its receipt.
  expect(after.stored.length).toBeGreaterThan(SHOTS / 500)
  const linesOf = (outcome: string) => {
    const found = world.registry.audit.filter(
      (event) => event.tool === 'store' && event.outcome === outcome && event.receipt,
    )
    // Shipped at least once: an id may come again.
    const byId = new Map(found.map((event) => [event.id, (event.arguments as { line: string }).line]))
    return [...byId.values()].sort()
  }
  await until(() => linesOf('ok').length === after.stored.length)
  expect(linesOf('started')).toEqual([...after.stored].sort())
  expect(linesOf('ok')).toEqual([...after.stored].sort())
})
