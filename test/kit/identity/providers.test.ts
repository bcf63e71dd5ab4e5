import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import type { RequestListener, ServerResponse } from 'node:http'
import type { RecordedClient } from '@gatehouse/contracts'
import { createTokenVerifier, type TokenVerifier } from '@gatehouse/kit'
import { CompactSign, type JWK } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { verifies } from '../../requirements.ts'
import { until } from '../../support/fixture-world.ts'
import { type HttpServer, sendJson, serve } from '../../support/http-server.ts'

/** An identity provider as others make them: any algorithm, any document, present or away. */
const AUDIENCE = 'https://mcp.example.com/presto/mcp'
const CLIENTS: readonly RecordedClient[] = [{ clientId: 'gatehouse-cli', surface: 'cli', bearer: true }]

let provider: HttpServer
let keys: unknown
let documents: Record<string, RequestListener>
let now: number
let verifier: TokenVerifier

beforeEach(async () => {
  keys = { keys: [] }
  documents = {}
  now = Date.now()
  provider = await serve((request, response) => {
    const given = documents[request.url ?? '']
    if (given) return given(request, response)
    if (request.url === '/jwks') return sendJson(response, keys)
    sendJson(response, { issuer: provider.url, jwks_uri: `${provider.url}/jwks` })
  })
  verifier = createTokenVerifier({ issuer: provider.url, audience: AUDIENCE, clients: () => CLIENTS, now: () => now })
})
afterEach(() => provider.close())

interface Key {
  readonly privateKey: KeyObject
  readonly jwk: JWK
}

function keyOf(algorithm: string, members: Partial<JWK> = {}): Key {
  const { privateKey, publicKey } = pairOf(algorithm)
  const kid = randomUUID()
  return {
    privateKey,
    jwk: { ...(publicKey.export({ format: 'jwk' }) as JWK), kid, alg: algorithm, use: 'sig', ...members },
  }
}

function pairOf(algorithm: string): { privateKey: KeyObject; publicKey: KeyObject } {
  switch (algorithm) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    case 'ES384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' })
    case 'ES512':
      return generateKeyPairSync('ec', { namedCurve: 'P-521' })
    case 'EdDSA':
      return generateKeyPairSync('ed25519')
    default:
      return generateKeyPairSync('rsa', { modulusLength: 2048 })
  }
}

async function token(key: Key, claims: object = {}, header: object = {}): Promise<string> {
  const seconds = Math.floor(now / 1000)
  const all = {
    iss: provider.url,
    sub: 'ada',
    aud: AUDIENCE,
    client_id: 'gatehouse-cli',
    jti: randomUUID(),
    iat: seconds,
    exp: seconds + 7_200,
    ...claims,
  }
  const { kid, alg = '' } = key.jwk
  return new CompactSign(Buffer.from(JSON.stringify(all)))
    .setProtectedHeader({ alg, typ: 'at+jwt', kid, ...header } as { alg: string })
    .sign(key.privateKey)
}

const verify = (text: string) =>
  verifier.verify({ method: 'POST', url: AUDIENCE, authorization: `Bearer ${text}` }).then(
    ({ caller }) => caller,
    (error: { code: string }) => error.code,
  )
const asked = (path: string) => provider.requests.filter(({ url }) => url === path).length

describe('a token of any provider', () => {
  const algorithms = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512', 'EdDSA']
  it.each(algorithms)('is accepted under %s', async (algorithm) => {
    verifies('AUTH-7.1')
    const key = keyOf(algorithm)
    keys = { keys: [key.jwk] }
    expect(await verify(await token(key))).toMatchObject({ subject: 'ada' })
  })

  it('needs a key that is for its algorithm', async () => {
    const rsa = keyOf('RS256')
    const ec = keyOf('ES256')
    keys = { keys: [rsa.jwk, ec.jwk] }
    // Signed rightly, by a key that is published for another algorithm.
    expect(await verify(await token({ ...rsa, jwk: { ...rsa.jwk, alg: 'PS256' } }))).toBe('token_invalid')
    // Under the id of a key of another kind.
    expect(await verify(await token(ec, {}, { kid: rsa.jwk.kid }))).toBe('token_invalid')
    const encryption = keyOf('RS256', { use: 'enc' })
    keys = { keys: [encryption.jwk] }
    now += 5_001
    expect(await verify(await token(encryption))).toBe('token_invalid')
  })

  it('says its type in either form, and no other', async () => {
    const key = keyOf('ES256')
    keys = { keys: [key.jwk] }
    for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt'])
      expect(await verify(await token(key, {}, { typ })), typ).toMatchObject({ subject: 'ada' })
    for (const typ of ['JWT', 'jwt', 'dpop+jwt', 'x/at+jwt', '', undefined])
      expect(await verify(await token(key, {}, { typ })), String(typ)).toBe('token_invalid')
    const crit = await token(key, {}, { crit: ['b64'], b64: true })
    expect(await verify(crit)).toBe('token_invalid')
  })

  it('names its client in client_id, or where there is none in azp, and its roles and scopes are the caller’s', async () => {
    const key = keyOf('ES256')
    keys = { keys: [key.jwk] }
    const claims = { client_id: undefined, azp: 'gatehouse-cli', roles: ['analyst'], scope: 'mcp presto:read' }
    expect(await verify(await token(key, claims))).toEqual({
      kind: 'user',
      subject: 'ada',
      groups: [],
      roles: ['analyst'],
      scopes: ['mcp', 'presto:read'],
      client: 'gatehouse-cli',
      surface: 'cli',
    })
    expect(await verify(await token(key, { client_id: 'elsewhere', azp: 'gatehouse-cli' }))).toBe('client_unknown')
    expect(await verify(await token(key, { client_id: undefined }))).toBe('token_invalid')
    for (const roles of ['analyst', [7], Array.from({ length: 1001 }, () => 'r'), ['x'.repeat(129)]])
      expect(await verify(await token(key, { roles }))).toBe('token_invalid')
  })
})

describe('the keys of a provider', () => {
  it('may change in the middle: a new one is found once it signs, and an old one is forgotten in time', async () => {
    const [old, next] = [keyOf('ES256'), keyOf('ES256')]
    keys = { keys: [old.jwk] }
    expect(await verify(await token(old))).toMatchObject({ subject: 'ada' })
    keys = { keys: [next.jwk] }
    now += 5_001
    expect(await verify(await token(next))).toMatchObject({ subject: 'ada' })
    expect(await verify(await token(old))).toBe('token_invalid')
  })

  it('are not fetched for every key id that somebody makes up', async () => {
    const key = keyOf('ES256')
    keys = { keys: [key.jwk] }
    await verify(await token(key))
    for (let count = 0; count < 20; count++)
      expect(await verify(await token(key, {}, { kid: `k${count}` }))).toBe('token_invalid')
    expect(asked('/jwks')).toBe(1)
    now += 5_001
    await Promise.all([1, 2, 3].map(async (count) => verify(await token(key, {}, { kid: `m${count}` }))))
    expect(asked('/jwks')).toBe(2)
  })

  it('are fetched anew now and then beside the work, so that one that is withdrawn is believed no longer', async () => {
    const [one, two] = [keyOf('ES256'), keyOf('ES256')]
    keys = { keys: [one.jwk, two.jwk] }
    expect(await verify(await token(one))).toMatchObject({ subject: 'ada' })
    keys = { keys: [two.jwk] }
    now += 600_001
    expect(await verify(await token(two))).toMatchObject({ subject: 'ada' })
    await until(async () => (await verify(await token(one))) === 'token_invalid')
  })

  it('stay good while the provider is away; of those that are not known, nothing can be said', async () => {
    const [known, other] = [keyOf('ES256'), keyOf('ES256')]
    keys = { keys: [known.jwk] }
    expect(await verify(await token(known))).toMatchObject({ subject: 'ada' })
    documents['/jwks'] = (_request, response) => void response.writeHead(503).end()
    for (let hour = 0; hour < 3; hour++) {
      now += 3_600_000
      expect(await verify(await token(known))).toMatchObject({ subject: 'ada' })
    }
    expect(await verify(await token(other))).toBe('issuer_unreachable')
    expect(await verify(await token(other))).toBe('issuer_unreachable')
    expect(await verify(await token(known, { exp: Math.floor(now / 1000) - 31 }))).toBe('token_expired')
    documents = {}
    keys = { keys: [known.jwk, other.jwk] }
    now += 5_001
    expect(await verify(await token(other))).toMatchObject({ subject: 'ada' })
  })
})

describe('the documents of a provider', () => {
  const huge = (response: ServerResponse): void => {
    response.writeHead(200, { 'Content-Type': 'application/json' })
    response.write('{"x":"')
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
      if (!response.destroyed) response.once('drain', more)
    }
    more()
  }
  const wrong: [string, (at: () => string) => Record<string, RequestListener>][] = [
    [
      'that send elsewhere',
      (at) => ({
        '/.well-known/openid-configuration': (_q, response) =>
          void response.writeHead(302, { Location: `${at()}/other` }).end(),
      }),
    ],
    [
      'whose keys send elsewhere',
      (at) => ({
        '/jwks': (_q, response) => void response.writeHead(307, { Location: `${at()}/other` }).end(),
      }),
    ],
    ['that have no end', () => ({ '/.well-known/openid-configuration': (_q, response) => huge(response) })],
    ['whose keys have no end', () => ({ '/jwks': (_q, response) => huge(response) })],
    [
      'that are no JSON',
      () => ({ '/.well-known/openid-configuration': (_q, response) => void response.end('<html>') }),
    ],
    [
      'of another issuer',
      () => ({
        '/.well-known/openid-configuration': (_q, response) =>
          sendJson(response, { issuer: 'https://elsewhere.example', jwks_uri: 'https://elsewhere.example/jwks' }),
      }),
    ],
    ...[
      'http://169.254.169.254/jwks',
      'http://10.0.0.1/jwks',
      'file:///etc/passwd',
      'ftp://127.0.0.1/jwks',
      'http://user:secret@127.0.0.1/jwks',
    ].map((address): [string, (at: () => string) => Record<string, RequestListener>] => [
      `whose keys are at ${address}`,
      (at) => ({
        '/.well-known/openid-configuration': (_q, response) => sendJson(response, { issuer: at(), jwks_uri: address }),
      }),
    ]),
    [
      'with more keys than anybody needs',
      () => ({
        '/jwks': (_q, response) => sendJson(response, { keys: Array.from({ length: 101 }, () => ({ kty: 'EC' })) }),
      }),
    ],
    ['with no list of keys', () => ({ '/jwks': (_q, response) => sendJson(response, { keys: 'all' }) })],
  ]
  it.each(wrong)('%s are none, and that is no fault of the caller', async (_what, change) => {
    verifies('AUTH-7.1')
    const key = keyOf('ES256')
    keys = { keys: [key.jwk] }
    documents = change(() => provider.url)
    expect(await verify(await token(key))).toBe('issuer_unreachable')
    expect(asked('/other')).toBe(0)
    documents = {}
    expect(await verify(await token(key))).toMatchObject({ subject: 'ada' })
  })

  it('may be over TLS only, of a provider that is', async () => {
    const fetched: string[] = []
    const issuer = 'https://login.example.com'
    const outside = createTokenVerifier({
      issuer,
      audience: AUDIENCE,
      clients: () => CLIENTS,
      fetch: async (url) => {
        fetched.push(url instanceof Request ? url.url : url.toString())
        return Response.json({ issuer, jwks_uri: `${provider.url}/jwks` })
      },
    })
    const text = await token(keyOf('ES256'), { iss: issuer })
    await expect(
      outside.verify({ method: 'POST', url: AUDIENCE, authorization: `Bearer ${text}` }),
    ).rejects.toMatchObject({ code: 'issuer_unreachable' })
    expect(fetched).toEqual([`${issuer}/.well-known/openid-configuration`])
  })
})
