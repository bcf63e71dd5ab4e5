import type { RecordedClient } from '@gatehouse/contracts'
import { type AuthCode, createTokenVerifier, resourceMetadataUrl, type TokenVerifier } from '@gatehouse/kit'
import fc from 'fast-check'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { verifies } from '../requirements.ts'
import { Device } from '../support/device.ts'
import { type Claims, startTestIssuer, type TestIssuer } from '../support/issuer.ts'

const AUDIENCE = 'http://127.0.0.1:9/mcp'
const CLIENTS: RecordedClient[] = [
  { clientId: 'gatehouse-vscode', surface: 'ide', bearer: false },
  { clientId: 'gatehouse-cli', surface: 'cli', bearer: true },
]
const SELF_REGISTERED: RecordedClient = { selfRegistered: true, surface: 'cli' }

let issuer: TestIssuer
let stranger: TestIssuer
let device: Device
let now: number
let fetched: string[]
let verifier: TokenVerifier

beforeAll(async () => {
  ;[issuer, stranger, device] = await Promise.all([startTestIssuer(), startTestIssuer(), Device.create()])
})
afterAll(() => Promise.all([issuer.stop(), stranger.stop()]))
beforeEach(() => {
  now = Date.now()
  fetched = []
  verifier = createTokenVerifier({
    issuer: issuer.url,
    audience: AUDIENCE,
    clients: () => CLIENTS,
    now: () => now,
    fetch: (url, init) => {
      fetched.push(url instanceof Request ? url.url : url.toString())
      return fetch(url, init)
    },
  })
})

const bearer = (token: string) => verifier.verify({ method: 'POST', url: AUDIENCE, authorization: `Bearer ${token}` })
const bound = (claims: Claims = {}) =>
  issuer.token(AUDIENCE, { client_id: 'gatehouse-vscode', cnf: { jkt: device.thumbprint }, ...claims })
const seconds = () => Math.floor(now / 1000)

const codeOf = (error: unknown) => (error as { code?: unknown }).code

async function refused(
  work: Promise<unknown>,
  code: AuthCode,
): Promise<{ status: number; challenge: string; message: string }> {
  const error = await work.then(
    () => expect.fail('it was accepted'),
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject({ code })
  return error as { status: number; challenge: string; message: string }
}

describe('an access token', () => {
  it('becomes a caller whose surface is that of the registered client', async () => {
    verifies('AUTH-7.1', 'AUTH-11.1')
    const { caller, scopes, expiresAt } = await bearer(await issuer.token(AUDIENCE, { groups: ['ads', 'infra'] }))
    expect(caller).toEqual({
      kind: 'user',
      subject: 'ada',
      groups: ['ads', 'infra'],
      scopes: ['mcp'],
      client: 'gatehouse-cli',
      surface: 'cli',
    })
    expect(scopes).toEqual(['mcp'])
    expect(expiresAt).toBeGreaterThan(seconds())
  })

  it('is needed, and its absence is answered with where to get one', async () => {
    const error = await refused(verifier.verify({ method: 'POST', url: AUDIENCE }), 'token_missing')
    expect(error.status).toBe(401)
    expect(error.challenge).toBe(
      'Bearer resource_metadata="http://127.0.0.1:9/.well-known/oauth-protected-resource/mcp", DPoP algs="ES256", resource_metadata="http://127.0.0.1:9/.well-known/oauth-protected-resource/mcp"',
    )
    expect(resourceMetadataUrl('https://registry.example.com')).toBe(
      'https://registry.example.com/.well-known/oauth-protected-resource',
    )
  })

  const bad: [string, Claims, AuthCode][] = [
    ['for another server', { aud: 'http://127.0.0.1:10/mcp' }, 'token_invalid'],
    ['for this server and another', { aud: [AUDIENCE, 'http://127.0.0.1:10/mcp'] }, 'token_invalid'],
    ['of another issuer', { iss: 'http://127.0.0.1:1' }, 'token_invalid'],
    ['that has expired', { exp: Math.floor(Date.now() / 1000) - 31 }, 'token_expired'],
    ['that is not valid yet', { nbf: Math.floor(Date.now() / 1000) + 300 }, 'token_invalid'],
    ['issued in the future', { iat: Math.floor(Date.now() / 1000) + 300 }, 'token_invalid'],
    ['without a subject', { sub: undefined }, 'token_invalid'],
    ['with a subject beyond bounds', { sub: 'x'.repeat(257) }, 'token_invalid'],
    ['without an expiry', { exp: undefined }, 'token_invalid'],
    ['without an id', { jti: undefined }, 'token_invalid'],
    ['without a client', { client_id: undefined }, 'token_invalid'],
    ['of a client that the registry does not know', { client_id: 'elsewhere' }, 'client_unknown'],
    ['whose groups are no list', { groups: 'ads' }, 'token_invalid'],
    ['whose groups are no strings', { groups: ['ads', 7] }, 'token_invalid'],
    ['with too many groups', { groups: Array.from({ length: 1001 }, () => 'g') }, 'token_invalid'],
    ['with 5,000 groups', { groups: Array.from({ length: 5000 }, (_, index) => `g${index}`) }, 'token_too_long'],
    ['whose roles are no list', { roles: 'analyst' }, 'token_invalid'],
    ['with scopes beyond bounds', { scope: 'a '.repeat(201) }, 'token_invalid'],
    ['of a client that must use DPoP', { client_id: 'gatehouse-vscode' }, 'bearer_not_allowed'],
    ['bound to a key, sent as bearer', { cnf: { jkt: 'x' } }, 'bearer_not_allowed'],
    ['bound to a certificate, sent as bearer', { cnf: { 'x5t#S256': 'x' } }, 'bearer_not_allowed'],
  ]
  it.each(bad)('%s is refused', async (_what, claims, code) => {
    verifies('AUTH-2.3', 'AUTH-6.2', 'AUTH-8.2')
    await refused(bearer(await issuer.token(AUDIENCE, claims)), code)
  })

  it('of a client that registered itself is accepted only where the record serves such, as bearer, and never with a key', async () => {
    verifies('AUTH-6.2', 'AUTH-8.2', 'AUTH-11.1')
    const client = { client_id: 'self-registered-abc' }
    await refused(bearer(await issuer.token(AUDIENCE, client)), 'client_unknown')
    const clients = [...CLIENTS, SELF_REGISTERED]
    const open = createTokenVerifier({ issuer: issuer.url, audience: AUDIENCE, clients: () => clients })
    const asked = { method: 'POST', url: AUDIENCE }
    const plain = await open.verify({ ...asked, authorization: `Bearer ${await issuer.token(AUDIENCE, client)}` })
    expect(plain.caller).toMatchObject({ client: 'self-registered-abc', surface: 'cli' })
    expect(plain.caller).not.toHaveProperty('keyThumbprint')

    const token = await bound(client)
    await refused(open.verify({ ...asked, authorization: `Bearer ${token}` }), 'bearer_not_allowed')
    const dpop = await device.proof('POST', AUDIENCE, token)
    await refused(open.verify({ ...asked, authorization: `DPoP ${token}`, dpop }), 'dpop_invalid')
    await refused(
      open.verify({ ...asked, authorization: `Bearer ${await issuer.token(AUDIENCE, { client_id: 'elsewhere' })}` }),
      'client_unknown',
    )
  })

  it('is accepted within the 30 seconds by which clocks may differ', async () => {
    await bearer(await issuer.token(AUDIENCE, { exp: seconds() - 20, nbf: seconds() + 20, iat: seconds() + 20 }))
  })

  it('must be an access token by type, signed by the issuer, with ES256', async () => {
    const token = await issuer.token(AUDIENCE)
    await refused(bearer(await issuer.token(AUDIENCE, {}, { typ: 'JWT' })), 'token_invalid')
    await refused(bearer(await stranger.token(AUDIENCE, { iss: issuer.url })), 'token_invalid')
    await refused(bearer(await issuer.token(AUDIENCE, {}, { kid: 'another' })), 'token_invalid')
    const [, payload] = token.split('.')
    const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')
    await refused(bearer(`${none}.${payload}.`), 'token_invalid')
    const hmac = await new SignJWT({})
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
      .sign(new TextEncoder().encode('0'.repeat(32)))
    await refused(bearer(hmac), 'token_invalid')
  })

  it('is not accepted in other schemes or malformed headers', async () => {
    const token = await issuer.token(AUDIENCE)
    for (const authorization of [
      '',
      token,
      `Basic ${token}`,
      `Bearer ${token}, Bearer ${token}`,
      `Bearer ${token} x`,
    ]) {
      await refused(verifier.verify({ method: 'POST', url: AUDIENCE, authorization }), 'token_invalid')
    }
    await refused(bearer('a'.repeat(8193)), 'token_too_long')
  })

  it('is never in the error about it', async () => {
    const token = await issuer.token(AUDIENCE, { aud: 'elsewhere' })
    const error = await refused(bearer(token), 'token_invalid')
    const shown = [
      error.message,
      error.challenge,
      JSON.stringify(error),
      String((error as unknown as Error).cause),
    ].join()
    expect(shown).not.toContain(token.split('.')[1])
  })

  it('is verified once and remembered until it expires, while its client is asked for every time', async () => {
    const token = await issuer.token(AUDIENCE, { exp: seconds() + 60 })
    await bearer(token)
    now += 60_000
    await bearer(token)
    now += 31_000
    await refused(bearer(token), 'token_expired')
    expect(fetched.filter((url) => url.endsWith('/jwks'))).toHaveLength(1)
  })

  it('is one caller for as long as the record says the same of its client, and another or none when it does not', async () => {
    let clients = CLIENTS
    const changing = createTokenVerifier({ issuer: issuer.url, audience: AUDIENCE, clients: () => clients })
    const token = await issuer.token(AUDIENCE)
    const ask = () => changing.verify({ method: 'POST', url: AUDIENCE, authorization: `Bearer ${token}` })
    const { caller } = await ask()
    expect((await ask()).caller).toBe(caller)
    clients = [{ clientId: 'gatehouse-cli', surface: 'team-chat', bearer: true }]
    expect((await ask()).caller).toEqual({ ...caller, surface: 'team-chat' })
    clients = [{ clientId: 'gatehouse-cli', surface: 'cli', bearer: false }]
    await refused(ask(), 'bearer_not_allowed')
    clients = []
    await refused(ask(), 'client_unknown')
  })

  it('cannot be verified while the issuer is away, and that is no fault of the caller', async () => {
    const away = createTokenVerifier({ issuer: 'http://127.0.0.1:1', audience: AUDIENCE, clients: () => CLIENTS })
    const token = await issuer.token(AUDIENCE, { iss: 'http://127.0.0.1:1' })
    const error = await refused(
      away.verify({ method: 'POST', url: AUDIENCE, authorization: `Bearer ${token}` }),
      'issuer_unreachable',
    )
    expect(error.status).toBe(503)
  })

  it('is refused, whatever it is made of', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 60 }), async (text) => {
        const answer = await verifier
          .verify({ method: 'POST', url: AUDIENCE, authorization: text, dpop: text })
          .catch(codeOf)
        expect(answer).toBe('token_invalid')
      }),
      { numRuns: 50 },
    )
  })
})

describe('a DPoP proof', () => {
  interface Proof {
    claims?: Record<string, unknown>
    header?: Record<string, unknown>
  }
  let pair: CryptoKeyPair
  let jwk: JWK
  let thumbprint: string
  beforeAll(async () => {
    pair = await generateKeyPair('ES256', { extractable: true })
    jwk = await exportJWK(pair.publicKey)
    const { kty, crv, x, y } = jwk
    thumbprint = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
  })

  const token = () => bound({ cnf: { jkt: thumbprint } })
  function prove(accessToken: string, { claims = {}, header = {} }: Proof = {}): Promise<string> {
    const ath = createHash('sha256').update(accessToken).digest('base64url')
    const all = { htm: 'POST', htu: AUDIENCE, jti: randomUUID(), iat: seconds(), ath, ...claims }
    const present = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
    return new SignJWT(present)
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk, ...header })
      .sign(pair.privateKey)
  }
  const present = (accessToken: string, dpop: string | undefined) =>
    verifier.verify({ method: 'POST', url: AUDIENCE, authorization: `DPoP ${accessToken}`, dpop })

  it('by the key that the token is bound to is accepted, and that key is the caller’s', async () => {
    verifies('AUTH-6.1')
    const accessToken = await token()
    const { caller } = await present(accessToken, await prove(accessToken))
    expect(caller).toMatchObject({ surface: 'ide', keyThumbprint: thumbprint })
  })

  it('may spell the URL in another way that means the same', async () => {
    const accessToken = await token()
    await present(accessToken, await prove(accessToken, { claims: { htu: 'HTTP://127.0.0.1:9/a/../mcp?x=1#y' } }))
  })

  const bad: [string, Proof][] = [
    ['for another method', { claims: { htm: 'GET' } }],
    ['for another path', { claims: { htu: 'http://127.0.0.1:9/other' } }],
    ['for another host', { claims: { htu: 'http://localhost:9/mcp' } }],
    ['for no URL', { claims: { htu: 'mcp' } }],
    ['for another token', { claims: { ath: createHash('sha256').update('x').digest('base64url') } }],
    ['for no token', { claims: { ath: undefined } }],
    ['without an id', { claims: { jti: undefined } }],
    ['too old', { claims: { iat: Math.floor(Date.now() / 1000) - 300 } }],
    ['from the future', { claims: { iat: Math.floor(Date.now() / 1000) + 300 } }],
    ['expired by its own account', { claims: { exp: Math.floor(Date.now() / 1000) - 1 } }],
    ['not valid yet by its own account', { claims: { nbf: Math.floor(Date.now() / 1000) + 300 } }],
    ['of another type', { header: { typ: 'JWT' } }],
    ['without its key', { header: { jwk: undefined } }],
  ]
  it.each(bad)('%s is refused', async (_what, proof) => {
    verifies('AUTH-6.1')
    const accessToken = await token()
    const { status, challenge } = await refused(present(accessToken, await prove(accessToken, proof)), 'dpop_invalid')
    expect(status).toBe(401)
    expect(challenge).toContain('error="invalid_dpop_proof"')
  })

  it('is needed, once only, and for a bound token', async () => {
    verifies('AUTH-6.1')
    const accessToken = await token()
    await refused(present(accessToken, undefined), 'dpop_invalid')
    await refused(present(accessToken, `${await prove(accessToken)}, ${await prove(accessToken)}`), 'dpop_invalid')
    const proof = await prove(accessToken)
    await present(accessToken, proof)
    await refused(present(accessToken, proof), 'dpop_replayed')
    now += 121_000
    await refused(present(accessToken, proof), 'dpop_invalid')
    const plain = await issuer.token(AUDIENCE)
    await refused(present(plain, await prove(plain)), 'dpop_invalid')
  })

  it('by another key is refused, and so is one whose header names the right key and whose signature does not', async () => {
    verifies('AUTH-6.1')
    const accessToken = await token()
    await refused(present(accessToken, await device.proof('POST', AUDIENCE, accessToken)), 'dpop_invalid')
    const other = await generateKeyPair('ES256')
    const forged = await new SignJWT({ htm: 'POST', htu: AUDIENCE, jti: 'x', iat: seconds(), ath: 'x' })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
      .sign(other.privateKey)
    await refused(present(accessToken, forged), 'dpop_invalid')
  })

  it('with an extension that must be understood is refused', async () => {
    const accessToken = await token()
    const proof = await prove(accessToken)
    const header = { alg: 'ES256', typ: 'dpop+jwt', jwk, crit: ['exp'], exp: 1 }
    const [, payload = ''] = proof.split('.')
    const input = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}`
    const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
    const signature = await crypto.subtle.sign(algorithm, pair.privateKey, Buffer.from(input))
    await refused(present(accessToken, `${input}.${Buffer.from(signature).toString('base64url')}`), 'dpop_invalid')
  })

  it('by a key that is no point of the curve, or in parts that are no base64url, is refused', async () => {
    const accessToken = await token()
    const { x, ...rest } = jwk
    await refused(
      present(accessToken, await prove(accessToken, { header: { jwk: { ...rest, x: rest.y } } })),
      'dpop_invalid',
    )
    const [header, payload, signature] = (await prove(accessToken)).split('.')
    for (const odd of [`${header}.${payload}.${signature}=`, `${header}.${payload}`, `${header}.${payload}.AAAA`, '..'])
      await refused(present(accessToken, odd), 'dpop_invalid')
  })

  it('that gives its private key away is refused', async () => {
    const accessToken = await token()
    const whole = await exportJWK(pair.privateKey)
    await refused(present(accessToken, await prove(accessToken, { header: { jwk: whole } })), 'dpop_invalid')
  })

  it('with another algorithm is refused', async () => {
    const rsa = await generateKeyPair('RS256')
    const accessToken = await token()
    const proof = await new SignJWT({ htm: 'POST', htu: AUDIENCE, jti: 'x', iat: seconds(), ath: 'x' })
      .setProtectedHeader({ alg: 'RS256', typ: 'dpop+jwt', jwk: await exportJWK(rsa.publicKey) })
      .sign(rsa.privateKey)
    await refused(present(accessToken, proof), 'dpop_invalid')
  })
})
