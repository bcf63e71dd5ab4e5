import { X509Certificate } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { type CallingWorkload, createLogger, openWorkloadIdentity } from '@gatehouse/kit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findEnvoy } from '../../companion/packages/cli/src/edge/envoy-binary.ts'
import { ask } from '../kit/identity/wire.ts'
import { verifies } from '../requirements.ts'
import { eventually } from '../support/browser.ts'
import { startEdge, type TestEdge, type TestEdgeOptions } from '../support/envoy.ts'
import { startWorld, type World } from '../support/fixture-world.ts'
import { freePort } from '../../scripts/free-port.ts'
import { LocalSpire } from '../../scripts/local-spire.ts'

/** Seconds: SPIRE renews an SVID at half of it. */
const LIFE = 20
const PATIENCE = 90_000
const BUILD = 1_200_000

/** The real Envoy, the real SPIRE and a server on the kit: each gets its identity from SPIRE's agent and believes the other by it. */
let spire: LocalSpire
let identity: CallingWorkload
let world: World
let edge: TestEdge
let settings: Omit<TestEdgeOptions, 'port'>

beforeAll(async () => {
  spire = await LocalSpire.start()
  const by = async (path: string) => [`unix:path:${await realpath(path)}`]
  const envoy = await findEnvoy(() => undefined)
  await spire.register({ path: 'server/fixture', selectors: await by(process.execPath), life: LIFE })
  await spire.register({ path: 'edge', selectors: await by(envoy), life: LIFE })
  identity = await openWorkloadIdentity({
    socket: spire.socket,
    log: createLogger('server', () => undefined),
    signal: AbortSignal.timeout(PATIENCE),
  })
  const port = await freePort()
  world = await startWorld({
    port: await freePort(),
    publicUrl: `http://127.0.0.1:${port}/fixture`,
    mtlsPort: 0,
    edgeId: spire.id('edge'),
    workloadIdentity: identity,
  })
  settings = {
    issuer: world.issuer.url,
    identity: {
      kind: 'spire',
      agentSocket: spire.socket.replace('unix://', ''),
      spiffeId: spire.id('edge'),
    },
    servers: [{ record: world.record(), upstream: upstream('server/fixture') }],
  }
  edge = await startEdge({ port, ...settings })
}, BUILD)
afterAll(async () => {
  await edge?.stop()
  await world?.stop()
  identity?.close()
  await spire?.remove()
})

function upstream(path: string) {
  const { hostname: host, port } = new URL(world.server.mtlsUrl ?? '')
  return { kind: 'mutual-tls', host, port: Number(port), spiffeId: spire.id(path) } as const
}

async function call() {
  const authorization = `Bearer ${await world.issuer.token(world.url)}`
  return ask(
    { kind: 'plain', url: edge.url },
    { path: '/fixture/mcp', params: { name: 'whoami', arguments: {} }, headers: [['Authorization', authorization]] },
  )
}

const works = () =>
  call().then(
    ({ status }) => status === 200,
    () => false,
  )
const serial = () => new X509Certificate(identity.current().certificates).serialNumber

describe('an edge whose identity is SPIRE’s', () => {
  test('reaches the server that is meant, for the person of the token', { timeout: 2 * PATIENCE }, async () => {
    verifies('AUTH-7.7')
    // Keys of the issuer and secrets of SPIRE come a moment after the listener opens.
    await eventually(works, PATIENCE)
    const { result } = await call()
    expect(JSON.parse(result?.['context'] as string)).toMatchObject({ caller: { kind: 'user', subject: 'ada' } })
  })

  test('goes on when the SVIDs of both have been renewed, and the first ones have expired', {
    timeout: 3 * PATIENCE,
  }, async () => {
    verifies('AUTH-7.7', 'AUTH-10.6')
    const first = serial()
    const expired = identity.current().expiresAt
    await eventually(async () => serial() !== first && Date.now() > expired + 2_000, PATIENCE)
    expect((await call()).status).toBe(200)
  })

  test('sends nothing to a server of another name', { timeout: 2 * PATIENCE }, async () => {
    verifies('AUTH-7.7')
    await edge.render({ ...settings, servers: [{ record: world.record(), upstream: upstream('server/presto') }] })
    await eventually(() => call().then(({ code }) => code === 'server_unreachable'), PATIENCE)
    await edge.render(settings)
    await eventually(works, PATIENCE)
  })
})
