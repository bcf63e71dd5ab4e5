import { Agent as HttpsAgent, request } from 'node:https'
import { connect as tlsConnect, type TLSSocket } from 'node:tls'
import { defineTool, type ServerDefinition } from '@gatehouse/kit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { verifies } from '../../requirements.ts'
import { startWorld, until, type World } from '../../support/fixture-world.ts'
import { KeyUsageFlags, TrustDomain, type TestSvid } from '../../support/svid.ts'
import { TestIdentity } from '../../support/test-identity.ts'
import { ask, type Header, type Way } from './wire.ts'

const value = z.strictObject({ value: z.string() })
const shared = {
  description: 'For tests',
  input: z.strictObject({}),
  output: value,
  effect: 'read',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  minutesSaved: 0,
} as const
const text = (said: string) => ({ structured: { value: said }, text: said })

/** Calls of `hold` go on until the test lets them. */
let release = Promise.withResolvers<void>()
let held = 0

const definition: ServerDefinition = {
  id: 'fixture',
  title: 'Fixture',
  version: '1.2.3',
  toolsClass: [
    defineTool({
      ...shared,
      name: 'freshness',
      title: 'Freshness',
      policy: { workloads: 'recorded' },
      run: async (_args, ctx) => text(JSON.stringify(ctx.caller)),
    }),
    defineTool({
      ...shared,
      name: 'hold',
      title: 'Hold',
      policy: { workloads: 'recorded' },
      async run() {
        held++
        await release.promise
        return text('let go')
      },
    }),
    defineTool({ ...shared, name: 'people', title: 'People', policy: {}, run: async () => text('people') }),
  ],
  start: async () => ({ tools: definition.toolsClass as never, dispose: async () => undefined }),
}

let domain: TrustDomain
let partner: TrustDomain
let identity: TestIdentity
let world: World
let nightly: TestSvid
let base: Extract<Way, { kind: 'tls' }>
let way: Way

beforeAll(async () => {
  ;[domain, partner] = await Promise.all([TrustDomain.create(), TrustDomain.create('partner.example')])
  identity = await TestIdentity.of(domain, 'server/fixture', [partner])
  world = await startWorld(
    { mtlsPort: 0, workloadIdentity: identity },
    {
      record: {
        workloads: [
          { spiffeId: domain.id('nightly'), tools: ['freshness', 'hold'] },
          { spiffeId: partner.id('nightly'), tools: ['freshness'] },
        ],
      },
    },
    definition,
  )
  nightly = await domain.svid('nightly', { intermediate: true })
  base = { kind: 'tls', url: world.server.mtlsUrl ?? '', authority: domain.bundle }
  way = { ...base, svid: nightly }
})
afterAll(() => world.stop())

const freshness = { params: { name: 'freshness', arguments: {} } }
const called = (over: Way, headers: readonly Header[] = []) => ask(over, { ...freshness, headers })
const events = (outcome: string) => world.registry.audit.filter((event) => event.outcome === outcome)

async function refused(over: Way, status: number, code: string, headers: readonly Header[] = []): Promise<void> {
  const before = events(code).length
  const answer = await called(over, headers)
  expect([answer.status, answer.code], answer.body).toEqual([status, code])
  // The journal keeps its order: once what came after is there, there is no more to come of this.
  const served = events('ok').length
  expect((await called(way)).status).toBe(200)
  await until(() => events('ok').length > served)
  expect(events(code)).toHaveLength(before + 1)
}

describe('a workload with an X.509-SVID', () => {
  it('lists and calls the tools that its record names, and the audit says which workload it was', async () => {
    verifies('AUTH-10.5')
    const list = await ask(way, { method: 'tools/list', params: {} })
    const tools = list.result?.['tools'] as { name: string }[]
    expect(tools.map(({ name }) => name).sort()).toEqual(['freshness', 'hold'])
    const answer = await called(way)
    expect(JSON.parse(answer.result?.['value'] as string)).toEqual({ kind: 'workload', spiffeId: nightly.spiffeId })
    await until(() => events('ok').some(({ tool }) => tool === 'freshness'))
    expect(events('ok').find(({ tool }) => tool === 'freshness')?.caller).toEqual({
      kind: 'workload',
      spiffeId: nightly.spiffeId,
    })
    const people = await ask(way, { params: { name: 'people', arguments: {} } })
    expect(people.code).toBe('denied')
    await until(() => events('denied').length === 1)
  })

  it('that no record names is told so', async () => {
    verifies('AUTH-10.5')
    await refused({ ...base, svid: await domain.svid('stranger') }, 403, 'denied')
  })

  it('may open a session of the older era, which is its own', async () => {
    const initialize = {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    }
    const session = await rawPost(nightly, initialize)
    expect(session.status).toBe(200)
    const id = session.session ?? ''
    const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' }
    expect((await rawPost(nightly, list, id)).body).toContain('freshness')
    const other = await partner.svid('nightly')
    expect((await rawPost(other, list, id)).status).toBe(404)
  })

  it('is refused when it also sends a token, whosever that is', async () => {
    verifies('AUTH-10.6')
    const token = await world.issuer.token(world.url)
    await refused(way, 400, 'credentials_ambiguous', [['Authorization', `Bearer ${token}`]])
  })

  it('is refused without a certificate, and with one that has expired, is not valid yet or is none of an SVID', async () => {
    verifies('AUTH-10.2', 'AUTH-10.6')
    const { svid: _none, ...without } = { ...base, svid: undefined }
    await refused(without, 401, 'svid_missing')
    await refused({ ...base, svid: await domain.svid('nightly', { life: -5 }) }, 401, 'svid_expired')
    for (const options of [
      { from: 300 },
      { uris: [] },
      { uris: [domain.id('nightly'), domain.id('other')] },
      { uris: [`spiffe://${domain.name}`] },
      { uris: ['https://example.com/nightly'] },
      { ca: true },
      { keyUsage: KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature },
    ])
      await refused({ ...base, svid: await domain.svid('nightly', options) }, 401, 'svid_invalid')
  })

  it('is believed of a federated trust domain for that domain alone, and of another not at all', async () => {
    verifies('AUTH-10.2')
    const theirs: Way = { ...base, svid: await partner.svid('nightly') }
    expect((await called(theirs)).status).toBe(200)
    const misused = await partner.svid('nightly', { uris: [nightly.spiffeId] })
    await refused({ ...base, svid: misused }, 401, 'svid_invalid')
    const elsewhere = await TrustDomain.create('elsewhere.example')
    await refused({ ...base, svid: await elsewhere.svid('nightly') }, 401, 'svid_invalid')
    const named = await elsewhere.svid('nightly', { uris: [nightly.spiffeId] })
    await refused({ ...base, svid: named }, 401, 'svid_invalid')
    // The name of a trusted authority, and not its key.
    const impostor = await TrustDomain.create()
    await refused({ ...base, svid: await impostor.svid('nightly') }, 401, 'svid_invalid')
  })

  it('is believed no longer on a connection that stays open, once its certificate has expired or its domain is not trusted', async () => {
    verifies('AUTH-10.6')
    const agent = new HttpsAgent({ keepAlive: true, maxSockets: 1 })
    const passing = await domain.svid('nightly', { life: 3 })
    const kept: Way = { ...base, svid: passing, agent }
    expect((await called(kept)).status).toBe(200)
    await until(() => Date.now() > passing.expiresAt)
    const answer = await called(kept)
    expect([answer.status, answer.code]).toEqual([401, 'svid_expired'])
    agent.destroy()

    const other = new HttpsAgent({ keepAlive: true, maxSockets: 1 })
    const theirs: Way = { ...base, svid: await partner.svid('nightly'), agent: other }
    expect((await called(theirs)).status).toBe(200)
    identity.unfederate(partner)
    expect((await called(theirs)).code).toBe('svid_invalid')
    identity.federate(partner)
    expect((await called(theirs)).status).toBe(200)
    other.destroy()
  })

  it('cannot take up a TLS session again, and is not asked to trust what is older than TLS 1.2', async () => {
    verifies('AUTH-10.6')
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const sessions: Buffer[] = []
      const first = await handshake({ maxVersion: version, minVersion: version })
      first.on('session', (session) => sessions.push(session))
      const early = first.getSession()
      await spoken(first)
      const saved = sessions.at(-1) ?? early
      const second = await handshake({ maxVersion: version, minVersion: version, ...(saved && { session: saved }) })
      expect(second.isSessionReused(), version).toBe(false)
      second.destroy()
    }
    await expect(handshake({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })).rejects.toThrow()
  })

  function handshake(options: object): Promise<TLSSocket> {
    const { hostname, port } = new URL(base.url)
    return new Promise((resolve, reject) => {
      const socket = tlsConnect({
        host: hostname,
        port: Number(port),
        ca: domain.bundle,
        cert: nightly.certificates,
        key: nightly.key,
        checkServerIdentity: () => undefined,
        ...options,
      })
      socket.once('secureConnect', () => resolve(socket))
      socket.once('error', reject)
    })
  }

  /** One exchange, by which what the server sends after the handshake has arrived. */
  function spoken(socket: TLSSocket): Promise<void> {
    return new Promise((resolve) => {
      socket.once('close', () => resolve())
      socket.on('data', () => undefined)
      socket.end(`GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    })
  }
})

describe('our own SVID', () => {
  it('is replaced for new connections, while a call that runs on an old one ends as it should', async () => {
    verifies('AUTH-10.4', 'AUTH-10.6')
    release = Promise.withResolvers()
    held = 0
    const running = ask(way, { params: { name: 'hold', arguments: {} } })
    await until(() => held === 1)
    const before = await serverCertificate()
    const { leaf } = await identity.rotate()
    expect(await serverCertificate()).toBe(leaf.fingerprint256)
    expect(before).not.toBe(leaf.fingerprint256)
    expect((await called(way)).status).toBe(200)
    release.resolve()
    expect((await running).result).toEqual({ value: 'let go' })
  })

  it('past its time, with no other to be had, workloads are answered nothing, and again once there is one', async () => {
    verifies('AUTH-10.4', 'AUTH-10.6')
    const agent = new HttpsAgent({ keepAlive: true, maxSockets: 1 })
    const kept: Way = { ...base, svid: nightly, agent }
    expect((await called(kept)).status).toBe(200)
    identity.expire()
    await expect(called(kept)).rejects.toThrow()
    await expect(called(way)).rejects.toThrow()
    await expect(called(way)).rejects.toThrow()
    expect(world.log.filter((line) => line.includes('svid_unavailable'))).toHaveLength(1)
    // People are not concerned.
    expect((await fetch(`${world.server.url}/readyz`)).status).toBe(200)
    await identity.rotate()
    expect((await called(way)).status).toBe(200)
    agent.destroy()
  })

  function serverCertificate(): Promise<string> {
    const { hostname, port } = new URL(base.url)
    return new Promise((resolve, reject) => {
      const socket = tlsConnect(
        { host: hostname, port: Number(port), ca: domain.bundle, checkServerIdentity: () => undefined },
        () => {
          resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '')
          socket.destroy()
        },
      )
      socket.once('error', reject)
    })
  }
})

describe('a workload with a JWT-SVID', () => {
  const bearer = (token: string): readonly Header[] => [['Authorization', `Bearer ${token}`]]
  const plain = (): Way => ({ kind: 'plain', url: world.url })

  it('calls with it as a bearer token, for this server alone', async () => {
    verifies('AUTH-10.3', 'AUTH-10.5')
    const answer = await called(plain(), bearer(await domain.jwt('nightly', world.url)))
    expect(JSON.parse(answer.result?.['value'] as string)).toEqual({ kind: 'workload', spiffeId: nightly.spiffeId })
    await refused(plain(), 401, 'svid_invalid', bearer(await domain.jwt('nightly', `${world.server.url}/other`)))
    const past = Math.floor(Date.now() / 1000) - 60
    await refused(plain(), 401, 'svid_expired', bearer(await domain.jwt('nightly', world.url, { exp: past })))
    const elsewhere = await TrustDomain.create('elsewhere.example')
    await refused(plain(), 401, 'svid_invalid', bearer(await elsewhere.jwt('nightly', world.url)))
    const named = await elsewhere.jwt('nightly', world.url, { sub: nightly.spiffeId })
    await refused(plain(), 401, 'svid_invalid', bearer(named))
  })

  it('is a person’s token when the identity provider issued it, whatever its subject', async () => {
    const token = await world.issuer.token(world.url, { sub: nightly.spiffeId })
    const answer = await called(plain(), bearer(token))
    expect(answer.status).toBe(200)
    await until(() => events('ok').some(({ caller }) => caller?.kind === 'user'))
    // And nobody's when that provider did not sign it.
    const forged = await world.issuer.token(world.url, { sub: nightly.spiffeId }, {}, 'stranger')
    await refused(plain(), 401, 'token_invalid', bearer(forged))
    const other = await world.issuer.token(world.url, { sub: nightly.spiffeId, iss: 'https://elsewhere.example' })
    await refused(plain(), 401, 'svid_invalid', bearer(other))
  })

  it('proves nothing over mutual TLS', async () => {
    await refused(way, 400, 'credentials_ambiguous', bearer(await domain.jwt('nightly', world.url)))
  })
})

interface Posted {
  readonly status: number
  readonly body: string
  readonly session: string | undefined
}

function rawPost(svid: TestSvid, message: object, session?: string): Promise<Posted> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${base.url}/mcp`,
      {
        method: 'POST',
        ca: base.authority,
        cert: svid.certificates,
        key: svid.key,
        checkServerIdentity: () => undefined,
        agent: false,
        headers: {
          'Content-Type': 'application/json',
          Accept: 'application/json, text/event-stream',
          'MCP-Protocol-Version': '2025-11-25',
          ...(session && { 'Mcp-Session-Id': session }),
        },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks).toString(),
            session: response.headers['mcp-session-id'] as string | undefined,
          }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(JSON.stringify(message))
  })
}
