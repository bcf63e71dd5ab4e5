import { status } from '@grpc/grpc-js'
import { type CallingWorkload, type LogFields, openWorkloadIdentity } from '@gatehouse/kit'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { certificatesOf } from '../../companion/packages/kit/src/spiffe/x509-svid.ts'
import { verifies } from '../requirements.ts'
import { until } from '../support/fixture-world.ts'
import { type SvidOptions, type TestSvid, TrustDomain } from '../support/svid.ts'
import {
  jwtBundlesResponse,
  jwtSvidResponse,
  WorkloadApi,
  type X509Parts,
  x509Parts,
  x509Response,
} from '../support/workload-api.ts'

const audience = 'https://mcp.example.com/presto/mcp'
let ours: TrustDomain
let theirs: TrustDomain
beforeAll(async () => {
  ours = await TrustDomain.create()
  theirs = await TrustDomain.create('other.example')
})

let api: WorkloadApi
let clock: number
let log: { message: string; fields: LogFields | undefined }[]
let opened: CallingWorkload[]
beforeEach(async () => {
  api = await WorkloadApi.start()
  clock = 0
  log = []
  opened = []
})
afterEach(async () => {
  for (const identity of opened) identity.close()
  await api.remove()
})

describe('an identity from the Workload API', () => {
  test('is the SVID, its key and whom to believe, once the first answer is there', async () => {
    verifies('AUTH-10.4')
    const svid = await give(
      'presto',
      { intermediate: true },
      { federated: { 'spiffe://other.example': theirs.bundleDer } },
    )
    const identity = await open()
    const current = identity.current()
    expect(current).toMatchObject({ spiffeId: ours.id('presto'), expiresAt: svid.expiresAt })
    expect(certificatesOf(current.certificates).map(({ raw }) => raw)).toEqual(
      certificatesOf(svid.certificates).map(({ raw }) => raw),
    )
    expect(current.key.replaceAll('\n', '')).toBe(svid.key.replaceAll('\n', ''))
    expect([...current.bundles.keys()].sort()).toEqual(['gatehouse.local', 'other.example'])
    expect(JSON.stringify(log)).not.toContain('PRIVATE')
  })

  test('is the first of several: the default one', async () => {
    verifies('AUTH-10.4')
    const [one, two] = await Promise.all([ours.svid('one'), ours.svid('two')])
    api.answer('FetchX509SVID', x509Response(x509Parts(one, ours), x509Parts(two, ours)))
    giveJwtBundles(ours)
    expect((await open()).current().spiffeId).toBe(ours.id('one'))
  })

  test('rotates while the process runs, and tells whoever listens, until they stop', async () => {
    verifies('AUTH-10.4')
    await give('presto')
    const identity = await open()
    const told: number[] = []
    const stop = identity.onChange(({ expiresAt }) => told.push(expiresAt))
    const second = await give('presto', { life: 900 })
    await until(() => identity.current().expiresAt === second.expiresAt)
    stop()
    const third = await give('presto', { life: 1200 })
    await until(() => identity.current().expiresAt === third.expiresAt)
    expect(told).toEqual([second.expiresAt])
  })

  test('believes a bundle at once when it comes, and not for a moment longer than it is there', async () => {
    verifies('AUTH-10.4')
    await give('presto')
    const identity = await open()
    const foreign = await theirs.jwt('batch', audience)
    await expect(identity.verifyJwt(foreign, audience)).rejects.toMatchObject({ code: 'svid_invalid' })
    await give('presto', {}, { federated: { 'spiffe://other.example': theirs.bundleDer } })
    giveJwtBundles(ours, theirs)
    await until(() => identity.current().bundles.has('other.example'))
    await untilVerified(identity, foreign)
    await give('presto')
    giveJwtBundles(ours)
    await until(() => !identity.current().bundles.has('other.example'))
    await until(() =>
      identity.verifyJwt(foreign, audience).then(
        () => false,
        () => true,
      ),
    )
    expect(await identity.verifyJwt(await ours.jwt('nightly', audience), audience)).toBe(ours.id('nightly'))
  })

  test('is used while the Workload API is away until it expires, no longer, and anew once that is back', async () => {
    verifies('AUTH-10.4')
    const svid = await give('presto')
    const identity = await open()
    const token = await ours.jwt('nightly', audience, { exp: Math.floor(Date.now() / 1000) + 36_000 })
    await api.stop()
    expect(identity.current().expiresAt).toBe(svid.expiresAt)
    expect(await identity.verifyJwt(token, audience)).toBe(ours.id('nightly'))
    clock = 601_000
    expect(() => identity.current()).toThrow(expect.objectContaining({ code: 'svid_unavailable' }))
    await expect(identity.verifyJwt(token, audience)).rejects.toMatchObject({ code: 'svid_unavailable' })
    await expect(identity.fetchJwt(audience)).rejects.toMatchObject({ code: 'svid_unavailable' })
    const later = await give('presto', { life: 7200 })
    await api.start()
    await until(() => works(() => identity.current().expiresAt === later.expiresAt))
    expect(await identity.verifyJwt(token, audience)).toBe(ours.id('nightly'))
  })

  test('is dropped at once when the Workload API says that there is none for this process any more', async () => {
    verifies('AUTH-10.4')
    await give('presto')
    const identity = await open()
    api.answer('FetchX509SVID', { status: status.PERMISSION_DENIED })
    await until(() => !works(() => identity.current()))
    await give('presto')
    await until(() => works(() => identity.current()))
  })

  test('is waited for while there is none yet', async () => {
    verifies('AUTH-10.4')
    api.answer('FetchX509SVID', { status: status.PERMISSION_DENIED })
    giveJwtBundles(ours)
    const waiting = open()
    await until(() => api.asked('FetchX509SVID') > 1)
    await give('presto')
    expect((await waiting).current().spiffeId).toBe(ours.id('presto'))
  })

  test('is asked for anew when the first answer does not come, and when a new SVID is overdue', async () => {
    verifies('AUTH-10.4')
    giveJwtBundles(ours)
    const waiting = open(200)
    await until(() => api.asked('FetchX509SVID') > 1)
    await give('presto', { life: 4 })
    const identity = await waiting
    const before = api.asked('FetchX509SVID')
    await until(() => api.asked('FetchX509SVID') > before)
    expect(identity.current().spiffeId).toBe(ours.id('presto'))
  })

  test('is no longer waited for when the caller gives up, and nothing goes on in the background', async () => {
    verifies('AUTH-10.4')
    await api.stop()
    const controller = new AbortController()
    const waiting = openWorkloadIdentity({ ...options(), signal: controller.signal })
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'workload_api_failed' })
    await expect(openWorkloadIdentity({ ...options(), signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'workload_api_failed',
    })
  })

  test('that may not be asked for is an error at once, and is not asked for again', async () => {
    verifies('AUTH-10.4')
    api.answer('FetchX509SVID', { status: status.INVALID_ARGUMENT })
    giveJwtBundles(ours)
    await expect(open()).rejects.toMatchObject({ code: 'workload_api_failed' })
    expect(api.asked('FetchX509SVID')).toBe(1)
  })

  test('goes without JWT-SVIDs where these are switched off', async () => {
    verifies('AUTH-10.4')
    await give('presto')
    api.answer('FetchJWTBundles', { status: status.UNIMPLEMENTED })
    const identity = await open()
    await expect(identity.verifyJwt(await ours.jwt('nightly', audience), audience)).rejects.toMatchObject({
      code: 'svid_unavailable',
    })
    expect(api.asked('FetchJWTBundles')).toBe(1)
  })

  test.each(['tcp://127.0.0.1:8081', 'unix:relative.sock', '/run/agent.sock', 'unix:///a?b', ''])(
    'is sought on this machine alone: %s is refused',
    async (socket) => {
      verifies('AUTH-10.4')
      await expect(openWorkloadIdentity({ ...options(), socket })).rejects.toMatchObject({
        code: 'workload_api_failed',
      })
    },
  )
})

describe('a message of the Workload API that is no good', () => {
  const odd: [string, (good: X509Parts, svid: TestSvid) => Buffer | Promise<Buffer>][] = [
    ['that is empty', () => Buffer.alloc(0)],
    ['that is no protobuf', () => Buffer.from('7f7f7f7f7f7f7f', 'hex')],
    ['cut in the middle', (good) => x509Response(good).subarray(0, 200)],
    [
      'with another SPIFFE id than its certificate',
      (good) => x509Response({ ...good, spiffeId: 'spiffe://gatehouse.local/admin' }),
    ],
    ['without a SPIFFE id', (good) => x509Response({ ...good, spiffeId: '' })],
    ['without a certificate', (good) => x509Response({ ...good, chain: Buffer.alloc(0) })],
    ['without a key', (good) => x509Response({ ...good, key: Buffer.alloc(0) })],
    ['without a bundle', (good) => x509Response({ ...good, bundle: Buffer.alloc(0) })],
    ['with half a certificate', (good) => x509Response({ ...good, chain: good.chain.subarray(0, 100) })],
    [
      'with bytes after the certificate',
      (good) => x509Response({ ...good, chain: Buffer.concat([good.chain, Buffer.from('00', 'hex')]) }),
    ],
    [
      'with the key of another',
      async (good) => x509Response({ ...good, key: x509Parts(await ours.svid('presto'), ours).key }),
    ],
    ['with a key that is none', (good) => x509Response({ ...good, key: Buffer.from('key') })],
    ['with the bundle of another', (good) => x509Response({ ...good, bundle: theirs.bundleDer })],
    [
      'with a certificate that is an authority',
      async () => x509Response(x509Parts(await ours.svid('presto', { ca: true }), ours)),
    ],
    [
      'with a certificate of two ids',
      async () =>
        x509Response(x509Parts(await ours.svid('presto', { uris: [ours.id('presto'), ours.id('admin')] }), ours)),
    ],
    [
      'with a certificate that has expired',
      async () => x509Response(x509Parts(await ours.svid('presto', { life: -1 }), ours)),
    ],
    [
      'with a thousand authorities',
      (good) => x509Response({ ...good, bundle: Buffer.concat(Array.from({ length: 1000 }, () => good.bundle)) }),
    ],
    [
      'with a thousand certificates',
      (good) => x509Response({ ...good, chain: Buffer.concat(Array.from({ length: 1000 }, () => good.chain)) }),
    ],
    ['with a thousand SVIDs', (good) => x509Response(good, ...Array.from({ length: 1000 }, () => good))],
    [
      'with a thousand federated bundles',
      (good) =>
        x509Response({
          ...good,
          federated: Object.fromEntries(
            Array.from({ length: 1000 }, (_, index) => [`spiffe://d${index}.example`, theirs.bundleDer]),
          ),
        }),
    ],
    [
      'with a federated bundle of no trust domain',
      (good) => x509Response({ ...good, federated: { 'https://other.example': theirs.bundleDer } }),
    ],
    [
      'with a federated bundle of a path',
      (good) => x509Response({ ...good, federated: { 'spiffe://other.example/a': theirs.bundleDer } }),
    ],
    [
      'with a federated bundle that is empty',
      (good) => x509Response({ ...good, federated: { 'spiffe://other.example': Buffer.alloc(0) } }),
    ],
  ]

  test.each(odd)('%s is passed over: what was good stays, and the next good one is used', async (_title, make) => {
    verifies('AUTH-10.4')
    const svid = await give('presto')
    const identity = await open()
    const told: number[] = []
    identity.onChange(({ expiresAt }) => told.push(expiresAt))
    api.answer('FetchX509SVID', await make(x509Parts(svid, ours), svid))
    await until(() => log.some(({ message }) => /no good/.test(message)))
    expect(identity.current().expiresAt).toBe(svid.expiresAt)
    const next = await give('presto', { life: 900 })
    await until(() => identity.current().expiresAt === next.expiresAt)
    expect(told).toEqual([next.expiresAt])
  })

  test('that is huge is not read, and the next good one is used', async () => {
    verifies('AUTH-10.4')
    const svid = await give('presto')
    const identity = await open()
    const asked = api.asked('FetchX509SVID')
    const huge = Object.fromEntries([['spiffe://other.example', Buffer.alloc(8 * 1024 * 1024)]])
    api.answer('FetchX509SVID', x509Response({ ...x509Parts(svid, ours), federated: huge }))
    await until(() => api.asked('FetchX509SVID') > asked)
    expect(identity.current().expiresAt).toBe(svid.expiresAt)
    const next = await give('presto', { life: 900 })
    await until(() => identity.current().expiresAt === next.expiresAt)
  })

  test('with a bundle by a name that objects have changes nothing but itself', async () => {
    verifies('AUTH-10.4')
    await give('presto', {}, { federated: Object.fromEntries([['__proto__', theirs.bundleDer]]) })
    expect([...(await open()).current().bundles.keys()]).toEqual(['gatehouse.local'])
  })

  test('never gives a federated bundle the place of the own one', async () => {
    verifies('AUTH-10.4')
    const namesake = await TrustDomain.create()
    await give('presto', {}, { federated: { 'spiffe://gatehouse.local': namesake.bundleDer } })
    const identity = await open()
    const [authority] = certificatesOf(identity.current().bundles.get('gatehouse.local') ?? '')
    expect(authority?.raw).toEqual(ours.bundleDer)
  })

  test.each(['{}', '{"keys":{}}', 'no JSON', `{"keys":[${'{},'.repeat(200)}{}]}`])(
    'with JWT authorities %.12s leaves the former ones',
    async (jwks) => {
      verifies('AUTH-10.4')
      await give('presto')
      const identity = await open()
      api.answer('FetchJWTBundles', jwtBundlesResponse({ 'spiffe://gatehouse.local': jwks }))
      await until(() => log.some(({ message }) => /no good/.test(message)))
      expect(await identity.verifyJwt(await ours.jwt('nightly', audience), audience)).toBe(ours.id('nightly'))
    },
  )
})

describe('a JWT-SVID of our own', () => {
  test('is fetched for one audience, under our own id', async () => {
    verifies('AUTH-10.4')
    await give('nightly')
    const identity = await open()
    api.answer('FetchJWTSVID', jwtSvidResponse(ours.id('nightly'), await ours.jwt('nightly', audience)))
    expect(await identity.verifyJwt(await identity.fetchJwt(audience), audience)).toBe(ours.id('nightly'))
    expect(api.lastRequest?.toString('latin1')).toContain(audience)
    expect(api.lastRequest?.toString('latin1')).toContain(ours.id('nightly'))
  })

  test('that is refused, of another id, or malformed is an error with a code', async () => {
    verifies('AUTH-10.4')
    await give('nightly')
    const identity = await open()
    for (const answer of [
      { status: status.PERMISSION_DENIED },
      jwtSvidResponse(ours.id('admin'), 'token'),
      Buffer.alloc(0),
      Buffer.from('ffff', 'hex'),
      jwtSvidResponse(ours.id('nightly'), 'x'.repeat(10_000)),
    ]) {
      api.answer('FetchJWTSVID', answer)
      await expect(identity.fetchJwt(audience)).rejects.toMatchObject({ code: 'svid_unavailable' })
    }
    api.answer('FetchJWTSVID', 'silence')
    const controller = new AbortController()
    const fetching = identity.fetchJwt(audience, controller.signal)
    controller.abort()
    await expect(fetching).rejects.toMatchObject({ code: 'svid_unavailable' })
  })
})

function options(patience?: number) {
  const add = (message: string, fields?: LogFields) => void log.push({ message, fields })
  return {
    socket: api.socket,
    log: { info: add, warn: add, error: add },
    now: () => Date.now() + clock,
    ...(patience !== undefined && { patience }),
  }
}

async function open(patience?: number): Promise<CallingWorkload> {
  const identity = await openWorkloadIdentity({ ...options(patience), signal: AbortSignal.timeout(20_000) })
  opened.push(identity)
  return identity
}

async function give(path: string, options?: SvidOptions, further: Partial<X509Parts> = {}): Promise<TestSvid> {
  const svid = await ours.svid(path, options)
  api.answer('FetchX509SVID', x509Response({ ...x509Parts(svid, ours), ...further }))
  if (api.asked('FetchJWTBundles') === 0) giveJwtBundles(ours)
  return svid
}

function giveJwtBundles(...domains: TrustDomain[]): void {
  const bundles = domains.map(({ name, jwks }) => [`spiffe://${name}`, JSON.stringify(jwks)] as const)
  api.answer('FetchJWTBundles', jwtBundlesResponse(Object.fromEntries(bundles)))
}

function untilVerified(identity: CallingWorkload, token: string): Promise<void> {
  return until(() =>
    identity.verifyJwt(token, audience).then(
      () => true,
      () => false,
    ),
  )
}

function works(attempt: () => unknown): boolean {
  try {
    return attempt() !== false
  } catch {
    return false
  }
}
