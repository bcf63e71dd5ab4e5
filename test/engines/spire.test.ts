import { X509Certificate } from 'node:crypto'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import {
  type CallingWorkload,
  createLogger,
  defineTool,
  openWorkloadIdentity,
  type ServerDefinition,
} from '@gatehouse/kit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { prestoServer } from '../../companion/servers/presto/src/definition.ts'
import { ask, type Way, type Wired } from '../kit/identity/wire.ts'
import { verifies } from '../requirements.ts'
import { eventually } from '../support/browser.ts'
import { startWorld, type World } from '../support/fixture-world.ts'
import { LocalSpire } from '../../scripts/local-spire.ts'
import { type PrintedSvid, SpireWorkload } from '../support/spire-workload.ts'

/** Seconds: SPIRE renews an SVID at half of it. */
const LIFE = 20
const PATIENCE = 90_000
const BUILD = 1_200_000

const shared = {
  description: 'For tests',
  input: z.strictObject({}),
  output: z.strictObject({ value: z.string() }),
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  minutesSaved: 0,
  policy: { workloads: 'recorded' },
} as const
const text = (value: string) => ({ structured: { value }, text: value })

let held = 0
let changed = 0
const release = Promise.withResolvers<void>()
const definition: ServerDefinition = {
  id: 'fixture',
  title: 'Fixture',
  version: '1.2.3',
  toolsClass: [
    defineTool({ ...shared, name: 'freshness', title: 'Freshness', effect: 'read', run: async () => text('fresh') }),
    defineTool({
      ...shared,
      name: 'hold',
      title: 'Hold',
      effect: 'read',
      async run() {
        held++
        await release.promise
        return text('let go')
      },
    }),
    defineTool({
      ...shared,
      name: 'change',
      title: 'Change',
      effect: 'write',
      async run() {
        changed++
        return text('changed')
      },
    }),
  ],
  start: async () => ({ tools: definition.toolsClass as never, dispose: async () => undefined }),
}

let spire: LocalSpire
let folder: string
let identity: CallingWorkload
let fixture: World
let presto: World
let nightly: SpireWorkload
let stranger: SpireWorkload
let svid: PrintedSvid

beforeAll(async () => {
  spire = await LocalSpire.start()
  // As SPIRE sees the path of a program: with links resolved.
  folder = await realpath(await mkdtemp(join(tmpdir(), 'gatehouse-workloads-')))
  nightly = await SpireWorkload.create(folder, 'nightly', spire.socket)
  stranger = await SpireWorkload.create(folder, 'stranger', spire.socket)
  const by = (path: string) => [`unix:path:${path}`]
  await spire.register({ path: 'server', selectors: by(await realpath(process.execPath)), life: LIFE })
  await spire.register({ path: 'nightly', selectors: by(nightly.binary), life: LIFE })
  await spire.register({ path: 'stranger', selectors: by(stranger.binary), life: LIFE })
  identity = await openWorkloadIdentity({
    socket: spire.socket,
    log: createLogger('server', () => undefined),
    signal: AbortSignal.timeout(PATIENCE),
  })
  const recorded = (...tools: string[]) => ({ record: { workloads: [{ spiffeId: spire.id('nightly'), tools }] } })
  fixture = await startWorld(
    { mtlsPort: 0, workloadIdentity: identity },
    recorded('freshness', 'hold', 'change'),
    definition,
  )
  presto = await startWorld({ mtlsPort: 0, workloadSocket: spire.socket }, recorded('table_freshness'), {
    ...prestoServer(),
    id: 'fixture',
  })
}, BUILD)
afterAll(async () => {
  await Promise.all([fixture?.stop(), presto?.stop()])
  identity?.close()
  await spire?.remove()
  if (folder) await rm(folder, { recursive: true, force: true })
})

function over({ certificates, key }: PrintedSvid): Way {
  const authority = identity.current().bundles.get(spire.trustDomain) ?? ''
  return { kind: 'tls', url: fixture.server.mtlsUrl ?? '', authority, svid: { certificates, key } }
}

const call = (way: Way, name: string) => ask(way, { params: { name, arguments: {} } })
const bearer = (jwt: string): Promise<Wired> =>
  ask(
    { kind: 'plain', url: fixture.server.url },
    { params: { name: 'freshness', arguments: {} }, headers: [['Authorization', `Bearer ${jwt}`]] },
  )
const audited = (world: World, tool: string, outcome: string) =>
  eventually(() => world.registry.audit.find((event) => event.tool === tool && event.outcome === outcome), PATIENCE)

/** Serial number of the certificate that the server shows to a new connection. */
function shown(): Promise<string> {
  const { hostname, port } = new URL(fixture.server.mtlsUrl ?? '')
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

const serial = () => new X509Certificate(identity.current().certificates).serialNumber
function isCurrent(): boolean {
  try {
    return identity.current().expiresAt > Date.now()
  } catch {
    return false
  }
}
const works = (attempt: Promise<Wired>): Promise<boolean> =>
  attempt.then(
    ({ status }) => status === 200,
    () => false,
  )

describe('with SVIDs of the real SPIRE', () => {
  test('a recorded service calls the tools of its record under mutual TLS, and the audit says which it was', async () => {
    verifies('AUTH-10.5')
    svid = await nightly.svid()
    expect(svid.spiffeId).toBe(spire.id('nightly'))
    expect((await call(over(svid), 'freshness')).status).toBe(200)
    const event = await audited(fixture, 'freshness', 'ok')
    expect(event.caller).toEqual({ kind: 'workload', spiffeId: spire.id('nightly') })
  })

  test('a service that no record names is denied, whoever attested it', async () => {
    verifies('AUTH-10.5')
    const answer = await call(over(await stranger.svid()), 'freshness')
    expect([answer.status, answer.code]).toEqual([403, 'denied'])
    await eventually(
      () => fixture.registry.audit.some(({ outcome, caller }) => outcome === 'denied' && caller?.kind === 'workload'),
      PATIENCE,
    )
  })

  test('a write is refused, though the record and the tool’s own policy name the service', async () => {
    verifies('AUTH-10.1')
    const answer = await call(over(await nightly.svid()), 'change')
    expect(answer.code).toBe('denied')
    expect(changed).toBe(0)
    await audited(fixture, 'change', 'denied')
  })

  test('a call that runs while SVIDs rotate ends as it should, and the next handshake is under the new one', async () => {
    verifies('AUTH-10.4')
    const before = serial()
    expect(await shown()).toBe(before)
    const running = call(over(await nightly.svid()), 'hold')
    await eventually(() => held === 1, PATIENCE)
    await eventually(() => serial() !== before, PATIENCE)
    await eventually(async () => (await shown()) === serial(), PATIENCE)
    expect(await shown()).not.toBe(before)
    release.resolve()
    const answer = await running
    expect([answer.status, answer.result]).toEqual([200, { value: 'let go' }])
    expect((await call(over(await nightly.svid()), 'freshness')).status).toBe(200)
  })

  test('a JWT-SVID is good for this server alone', async () => {
    verifies('AUTH-10.3')
    const { jwt } = await nightly.svid(fixture.url)
    expect((await bearer(jwt)).status).toBe(200)
    const foreign = await bearer((await nightly.svid(presto.url)).jwt)
    expect([foreign.status, foreign.code]).toEqual([401, 'svid_invalid'])
    const unrecorded = await bearer((await stranger.svid(fixture.url)).jwt)
    expect([unrecorded.status, unrecorded.code]).toEqual([403, 'denied'])
  })

  test('the nightly sample reads how fresh Presto’s tables are, and says so by its status', async () => {
    verifies('AUTH-10.5')
    const environment = { NIGHTLY_URL: `${presto.server.mtlsUrl}/mcp`, NIGHTLY_SERVER: spire.id('server') }
    const source = 'companion/samples/nightly/src/main.ts'
    const all = await nightly.run(source, environment)
    expect(all.status, all.stderr).toBe(0)
    const lines = all.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.map(({ table }) => table)).toContain('hive.ads.campaign_revenue')
    expect(lines.every(({ fresh }) => fresh === true)).toBe(true)
    const event = await audited(presto, 'table_freshness', 'ok')
    expect(event.caller).toEqual({ kind: 'workload', spiffeId: spire.id('nightly') })

    const stale = { NIGHTLY_TABLES: 'tpch.orders', NIGHTLY_MAX_AGE_HOURS: '0.000001' }
    const old = await nightly.run(source, { ...environment, ...stale })
    expect([old.status, JSON.parse(old.stdout)]).toMatchObject([1, { table: 'hive.tpch.orders', fresh: false }])

    const unrecorded = await stranger.run(source, environment)
    expect([unrecorded.status, unrecorded.stdout]).toEqual([2, ''])
    expect(unrecorded.stderr).toContain('call_refused')

    const unknown = await nightly.run(source, { ...environment, NIGHTLY_TABLES: 'tpch.nothing' })
    expect([unknown.status, unknown.stderr.includes('there is no table tpch.nothing')]).toEqual([2, true])

    const impostor = await nightly.run(source, { ...environment, NIGHTLY_SERVER: spire.id('presto') })
    expect([impostor.status, impostor.stdout]).toEqual([2, ''])
    expect(impostor.stderr).toContain('answered in place of')
  })

  test('SPIRE down: what is cached serves until it expires, then nothing does; back again, all by itself', async () => {
    verifies('AUTH-10.4')
    const last = await nightly.svid(fixture.url)
    await spire.stopAgent()
    expect((await call(over(last), 'freshness')).status).toBe(200)
    expect((await bearer(last.jwt)).status).toBe(200)
    const way = over(last)
    await eventually(async () => !(await works(call(way, 'freshness'))), PATIENCE)
    await eventually(async () => (await bearer(last.jwt)).code === 'svid_unavailable', PATIENCE)
    expect(() => identity.current()).toThrow(expect.objectContaining({ code: 'svid_unavailable' }))
    await expect(call(way, 'freshness')).rejects.toThrow()
    await spire.startAgent()
    await eventually(isCurrent, PATIENCE)
    expect((await call(over(await nightly.svid()), 'freshness')).status).toBe(200)
    expect((await bearer((await nightly.svid(fixture.url)).jwt)).status).toBe(200)
  })
})
