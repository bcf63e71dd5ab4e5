import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EDGE_HEADERS, FOREIGN_IDENTITY_HEADERS } from '@gatehouse/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifies } from '../../requirements.ts'
import { startWorld, until, type World } from '../../support/fixture-world.ts'
import { TrustDomain } from '../../support/svid.ts'
import { TestIdentity } from '../../support/test-identity.ts'
import { ask, type Asked, edgeHeaders, type Header, type Way } from './wire.ts'

/** A server behind an edge, which reaches it over a socket file and over mutual TLS. */
let folder: string
let world: World
let domain: TrustDomain
let ways: { socket: Way; tls: Way; plain: Way; workload: Way }
let token: string

/** A new one for each group of tests: refusals of strangers are recorded one by one only up to a number. */
async function start(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-edge-'))
  domain = await TrustDomain.create()
  const edgeSocket = join(folder, 'edge.sock')
  world = await startWorld({
    edgeSocket,
    edgeId: domain.id('edge'),
    mtlsPort: 0,
    workloadIdentity: await TestIdentity.of(domain, 'server/fixture'),
  })
  const tls = { kind: 'tls', url: world.server.mtlsUrl ?? '', authority: domain.bundle } as const
  ways = {
    socket: { kind: 'socket', path: edgeSocket, host: new URL(world.url).host },
    tls: { ...tls, svid: await domain.svid('edge') },
    plain: { kind: 'plain', url: world.url },
    workload: { ...tls, svid: await domain.svid('nightly') },
  }
  token = await world.issuer.token(world.url)
}

async function stop(): Promise<void> {
  await world.stop()
  await rm(folder, { recursive: true, force: true })
}

const bearer = (text: string): readonly Header[] => [['Authorization', `Bearer ${text}`]]
const vouched = (text: string, change = {}): readonly Header[] => [...edgeHeaders(text, change), ...bearer(text)]
const refusals = (code: string) => world.registry.audit.filter(({ outcome }) => outcome === code)
const latest = () => world.registry.audit.at(-1)

/** One request, which is refused in this way and is in the audit once. */
async function refused(way: Way, asked: Asked, status: number, code: string): Promise<void> {
  const before = refusals(code).length
  const answer = await ask(way, asked)
  expect([answer.status, answer.code], answer.body).toEqual([status, code])
  // The journal keeps its order: once what came after is there, there is no more to come of this.
  const served = () => refusals('ok').length
  const soFar = served()
  expect((await ask(ways.socket, { headers: vouched(token) })).status).toBe(200)
  await until(() => served() > soFar)
  expect(refusals(code)).toHaveLength(before + 1)
}

describe.each(['socket', 'tls'] as const)('over the %s of the edge', (name) => {
  beforeAll(start)
  afterAll(stop)

  it('the person of the token calls, and the audit names them', async () => {
    verifies('AUTH-7.2')
    const answer = await ask(ways[name], { headers: vouched(token), params: { name: 'whoami', arguments: {} } })
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.result?.['context'] as string)).toMatchObject({
      caller: { kind: 'user', subject: 'ada', groups: ['ads'], client: 'gatehouse-cli', surface: 'cli' },
    })
    await until(() => latest()?.tool === 'whoami')
    expect(latest()).toMatchObject({ caller: { subject: 'ada' }, from: 'edge' })
    const forwarded: Header = ['X-Forwarded-For', '10.1.1.1, 192.0.2.7']
    await ask(ways[name], { headers: [...vouched(token), forwarded], params: { name: 'whoami', arguments: {} } })
    await until(() => latest()?.from !== 'edge')
    expect(latest()).toMatchObject({ caller: { subject: 'ada' }, from: '192.0.2.7' })
  })

  it('the token is verified as always, whatever the edge says of it', async () => {
    verifies('AUTH-7.2', 'AUTH-2.3')
    const [header, payload, signature] = token.split('.')
    // Also one with something after its signature, which Envoy takes for the same token.
    for (const other of ['A'.repeat(86), `${signature}A`, `${signature}AAAA`]) {
      const { status, code } = await ask(ways[name], { headers: vouched(`${header}.${payload}.${other}`) })
      expect([status, code], other).toEqual([401, 'token_invalid'])
    }
    const now = Math.floor(Date.now() / 1000)
    const wrong: [Record<string, unknown>, Record<string, unknown>, string][] = [
      [{ aud: 'https://elsewhere.example.com/mcp' }, {}, 'token_invalid'],
      [{ iss: 'https://elsewhere.example.com' }, {}, 'token_invalid'],
      [{ exp: now - 31 }, {}, 'token_expired'],
      [{ nbf: now + 300 }, {}, 'token_invalid'],
      [{}, { typ: 'JWT' }, 'token_invalid'],
      [{}, { alg: 'none' }, 'token_invalid'],
      [{}, { alg: 'HS256' }, 'token_invalid'],
      [{}, { crit: ['exp'] }, 'token_invalid'],
      [{ client_id: 'gatehouse-vscode' }, {}, 'bearer_not_allowed'],
      [{ cnf: { jkt: 'x' } }, {}, 'bearer_not_allowed'],
    ]
    for (const [claims, head, code] of wrong) {
      const text = await world.issuer.token(world.url, claims, head)
      const answer = await ask(ways[name], { headers: vouched(text) })
      expect([answer.status, answer.code], JSON.stringify([claims, head])).toEqual([401, code])
    }
    const unknown = await world.issuer.token(world.url, { client_id: 'elsewhere' })
    expect((await ask(ways[name], { headers: vouched(unknown) })).code).toBe('client_unknown')
  })

  it('a DPoP proof is verified here, for the public address, once', async () => {
    verifies('AUTH-6.1', 'AUTH-7.2')
    const text = await world.boundToken()
    const proven = async (url: string): Promise<readonly Header[]> => [
      ...edgeHeaders(text),
      ['Authorization', `DPoP ${text}`],
      ['DPoP', await world.device.proof('POST', url, text)],
    ]
    const headers = await proven(world.url)
    expect((await ask(ways[name], { headers })).status).toBe(200)
    expect((await ask(ways[name], { headers })).code).toBe('dpop_replayed')
    expect((await ask(ways[name], { headers: await proven(`${world.server.mtlsUrl}/mcp`) })).code).toBe('dpop_invalid')
    expect((await ask(ways[name], { headers: vouched(text) })).code).toBe('bearer_not_allowed')
  })

  it('without what the edge says there is nobody, and without the token neither', async () => {
    verifies('AUTH-7.2')
    await refused(ways[name], { headers: bearer(token) }, 401, 'token_missing')
    await refused(ways[name], {}, 401, 'token_missing')
    await refused(ways[name], { headers: edgeHeaders(token) }, 401, 'edge_identity_invalid')
  })

  const differs: [string, Record<string, string | null>][] = [
    ['another person', { user: 'bob' }],
    ['no person', { user: null }],
    ['other groups', { groups: Buffer.from('["finance"]').toString('base64url') }],
    ['more groups', { groups: Buffer.from('["ads","finance"]').toString('base64url') }],
    ['no groups', { groups: null }],
    ['groups that are no list', { groups: Buffer.from('"ads"').toString('base64url') }],
    ['groups that are no base64', { groups: '["ads"]' }],
    ['groups that are no JSON', { groups: Buffer.from('ads').toString('base64url') }],
    ['another client', { client: 'gatehouse-vscode' }],
    ['no client', { client: null }],
    ['another time', { expires: '4102444800' }],
    ['a time that is none', { expires: 'later' }],
    ['no time', { expires: null }],
    ['a key', { thumbprint: 'x' }],
  ]
  it.each(differs)('%s than the token has is refused', async (_what, change) => {
    verifies('AUTH-7.2')
    await refused(ways[name], { headers: vouched(token, change) }, 401, 'edge_identity_invalid')
  })

  it('what it says twice is refused', async () => {
    verifies('AUTH-7.2')
    for (const header of edgeHeaders(token))
      await refused(ways[name], { headers: [...vouched(token), header] }, 401, 'edge_identity_invalid')
    await refused(ways[name], { headers: [...vouched(token), ...bearer(token)] }, 400, 'authorization_repeated')
  })

  it('a client certificate that it forwards is never read, and every other header of that kind is refused', async () => {
    verifies('AUTH-7.2')
    const forged = `By=spiffe://${domain.name}/server;URI=spiffe://${domain.name}/nightly;Subject="CN=root"`
    const xfcc: Header = ['X-Forwarded-Client-Cert', forged]
    const answer = await ask(ways[name], {
      headers: [...vouched(token), xfcc],
      params: { name: 'whoami', arguments: {} },
    })
    expect(answer.result?.['context']).toContain('"subject":"ada"')
    expect((await ask(ways[name], { headers: [xfcc] })).code).toBe('token_missing')
    for (const header of [...FOREIGN_IDENTITY_HEADERS.filter((other) => other !== 'x-forwarded-client-cert')])
      await refused(ways[name], { headers: [...vouched(token), [header, 'root']] }, 400, 'identity_header_refused')
    // A client can smuggle these past an edge that knows its own names alone.
    for (const header of ['X_Forwarded_User', 'x.forwarded.user', 'x-forwarded_user'])
      await refused(ways[name], { headers: [...vouched(token), [header, 'root']] }, 400, 'identity_header_refused')
  })

  it('a list of a thousand groups is the same list, and groups that are none are no groups', async () => {
    const many = await world.issuer.token(world.url, {
      groups: ['ads', ...Array.from({ length: 600 }, (_, i) => `g${i}`)],
    })
    expect((await ask(ways[name], { headers: vouched(many) })).status).toBe(200)
    expect((await ask(ways[name], { headers: vouched(many) })).status).toBe(200)
    const other = await world.issuer.token(world.url, { groups: ['ads', 'é', '"'], sub: 'zoë' })
    const user = Buffer.from('zoë', 'utf8').toString('latin1')
    expect((await ask(ways[name], { headers: vouched(other, { user }) })).status).toBe(200)
    const azp = await world.issuer.token(world.url, { client_id: undefined, azp: 'gatehouse-cli' })
    expect((await ask(ways[name], { headers: vouched(azp) })).status).toBe(200)
    expect((await ask(ways[name], { headers: vouched(azp, { client: 'other-web' }) })).code).toBe(
      'edge_identity_invalid',
    )
    const none = await world.issuer.token(world.url, { groups: undefined })
    expect((await ask(ways[name], { headers: vouched(none) })).code).toBe('denied')
    const string = await world.issuer.token(world.url, { groups: 'ads' })
    expect((await ask(ways[name], { headers: vouched(string) })).code).toBe('token_invalid')
  })
})

describe('from anybody else', () => {
  beforeAll(start)
  afterAll(stop)

  it('no call is served beside the edge but those of workloads, while health and what is well known are', async () => {
    verifies('AUTH-7.3')
    await refused(ways.plain, { headers: bearer(token) }, 403, 'edge_required')
    await refused(ways.plain, {}, 403, 'edge_required')
    await refused(ways.workload, { headers: bearer(token) }, 400, 'credentials_ambiguous')
    for (const path of ['/healthz', '/readyz', '/metrics', '/.well-known/oauth-protected-resource/mcp'])
      expect((await fetch(`${world.server.url}${path}`)).status, path).toBe(200)
  })

  it('the id of the edge in another trust domain is not the edge', async () => {
    verifies('AUTH-7.2', 'AUTH-10.2')
    const other = await TrustDomain.create('elsewhere.example')
    const stranger: Way = { ...ways.tls, svid: await other.svid('edge') } as Way
    await refused(stranger, { headers: vouched(token) }, 401, 'svid_invalid')
    // One that names our domain, by an authority of another.
    const posing = await other.svid('edge', { uris: [domain.id('edge')] })
    await refused({ ...ways.tls, svid: posing } as Way, { headers: vouched(token) }, 401, 'svid_invalid')
    const over = await domain.svid('edge', { life: -5 })
    await refused({ ...ways.tls, svid: over } as Way, { headers: vouched(token) }, 401, 'svid_expired')
    const lower = await domain.svid('edge/lower')
    await refused({ ...ways.tls, svid: lower } as Way, { headers: vouched(token) }, 400, 'identity_header_refused')
  })

  const spellings = [...Object.values(EDGE_HEADERS), ...FOREIGN_IDENTITY_HEADERS].flatMap((name) => [
    name,
    name.toUpperCase(),
    name.replaceAll('-', '_'),
    name.replace('-', '_'),
    name.replaceAll('-', '.'),
  ])

  it('a header that says who calls is refused in every spelling, whatever else is sent', async () => {
    verifies('AUTH-7.2')
    await refused(ways.plain, { headers: vouched(token) }, 400, 'identity_header_refused')
    await refused(ways.workload, { headers: vouched(token) }, 400, 'identity_header_refused')
    await refused(
      { ...ways.workload, svid: undefined } as Way,
      { headers: vouched(token) },
      400,
      'identity_header_refused',
    )
    for (const way of [ways.plain, ways.workload])
      for (const name of spellings) {
        const answer = await ask(way, { headers: [...bearer(token), [name, 'ada']] })
        expect([answer.status, answer.code], name).toEqual([400, 'identity_header_refused'])
      }
  })
})
