import { createPublicKey } from 'node:crypto'
import { exportSPKI, importJWK, SignJWT, UnsecuredJWT } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { readJwtBundle, verifyJwtSvid } from '../../companion/packages/kit/src/spiffe/jwt-svid.ts'
import { verifies } from '../requirements.ts'
import type { Claims } from '../support/issuer.ts'
import { TrustDomain } from '../support/svid.ts'

const audience = 'https://mcp.example.com/presto/mcp'
let ours: TrustDomain
let theirs: TrustDomain
beforeAll(async () => {
  ours = await TrustDomain.create()
  theirs = await TrustDomain.create('other.example')
})

describe('a JWT-SVID', () => {
  test.each<[string, Claims, Claims]>([
    ['as SPIRE writes it', {}, {}],
    ['with its audience as text', { aud: audience }, {}],
    ['of type JOSE', {}, { typ: 'JOSE' }],
    ['without a type', {}, { typ: undefined }],
    ['without the time of its issue', { iat: undefined }, {}],
    ['with claims of its own', { 'https://company.example/team': 'data' }, {}],
  ])('%s is believed', async (_title, claims, header) => {
    verifies('AUTH-10.3')
    expect(await verify(await ours.jwt('nightly', audience, claims, header))).toBe('spiffe://gatehouse.local/nightly')
  })

  const now = () => Math.floor(Date.now() / 1000)
  test.each<[string, () => Claims, Claims, string]>([
    ['for another audience', () => ({ aud: ['https://mcp.example.com/spark/mcp'] }), {}, 'svid_invalid'],
    ['for ours and another', () => ({ aud: [audience, 'https://mcp.example.com/spark/mcp'] }), {}, 'svid_invalid'],
    ['for ours twice', () => ({ aud: [audience, audience] }), {}, 'svid_invalid'],
    ['for the start of ours', () => ({ aud: 'https://mcp.example.com' }), {}, 'svid_invalid'],
    ['for nobody', () => ({ aud: [] }), {}, 'svid_invalid'],
    ['without an audience', () => ({ aud: undefined }), {}, 'svid_invalid'],
    ['that has expired', () => ({ exp: now() - 60 }), {}, 'svid_expired'],
    ['without an end', () => ({ exp: undefined }), {}, 'svid_invalid'],
    ['whose end is text', () => ({ exp: '9999999999' }), {}, 'svid_invalid'],
    ['that is not valid yet', () => ({ nbf: now() + 300 }), {}, 'svid_invalid'],
    ['from the future', () => ({ iat: now() + 300, exp: now() + 600 }), {}, 'svid_invalid'],
    ['without a subject', () => ({ sub: undefined }), {}, 'svid_invalid'],
    ['of a person', () => ({ sub: 'ada' }), {}, 'svid_invalid'],
    ['of a trust domain itself', () => ({ sub: 'spiffe://gatehouse.local' }), {}, 'svid_invalid'],
    ['of another trust domain', () => ({ sub: 'spiffe://other.example/nightly' }), {}, 'svid_invalid'],
    ['of an unknown trust domain', () => ({ sub: 'spiffe://unknown.example/nightly' }), {}, 'svid_invalid'],
    ['of a key that is not known', () => ({}), { kid: 'another' }, 'svid_invalid'],
    ['that names no key', () => ({}), { kid: undefined }, 'svid_invalid'],
    ['of a type that is not its own', () => ({}), { typ: 'at+jwt' }, 'svid_invalid'],
    ['with a header that brings a key along', () => ({}), { jwk: { kty: 'EC' } }, 'svid_invalid'],
    ['with a header that says where keys are', () => ({}), { jku: 'https://evil.example/jwks' }, 'svid_invalid'],
  ])('%s is refused', async (_title, claims, header, code) => {
    verifies('AUTH-10.3')
    await expect(verify(await ours.jwt('nightly', audience, claims(), header))).rejects.toMatchObject({ code })
  })

  test('that is not signed, or signed with the public key as a secret, is refused', async () => {
    verifies('AUTH-10.3')
    const claims = { sub: ours.id('nightly'), aud: audience, exp: now() + 300 }
    const [jwk] = ours.jwks.keys
    const publicKey = await exportSPKI(createPublicKey({ key: jwk as never, format: 'jwk' }))
    const secret = new TextEncoder().encode(publicKey)
    const forged = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: jwk?.kid as string }).sign(secret)
    for (const token of [new UnsecuredJWT(claims).encode(), forged, 'a.b.c', '', 'x'.repeat(100_000)]) {
      await expect(verify(token)).rejects.toMatchObject({ code: 'svid_invalid' })
    }
  })

  test('that was altered after it was signed is refused', async () => {
    verifies('AUTH-10.3')
    const [header, , signature] = (await ours.jwt('nightly', audience)).split('.')
    const other = (await ours.jwt('admin', audience)).split('.')[1]
    await expect(verify(`${header}.${other}.${signature}`)).rejects.toMatchObject({ code: 'svid_invalid' })
  })
})

describe('a bundle of JWT authorities', () => {
  test('leaves out keys that are for certificates, secret, or without an id', async () => {
    verifies('AUTH-10.3')
    const [jwk] = ours.jwks.keys
    const token = await ours.jwt('nightly', audience)
    const under = (keys: unknown[]) => {
      const bundle = readJwtBundle(JSON.stringify({ keys }))
      return verifyJwtSvid(token, { audience, authorities: () => bundle, now: Date.now() })
    }
    expect(await under([{ ...jwk, use: 'jwt-svid' }])).toBe(ours.id('nightly'))
    for (const keys of [
      [],
      [{ ...jwk, use: 'x509-svid' }],
      [{ ...jwk, kid: undefined }],
      [{ kty: 'oct', k: 'c2VjcmV0', kid: jwk?.kid }],
    ]) {
      await expect(under(keys)).rejects.toMatchObject({ code: 'svid_invalid' })
    }
    await expect(importJWK(jwk as never, 'ES256')).resolves.toBeDefined()
  })

  test.each(['', '[]', '{"keys":{}}', '{"keys":[1]}', `{"keys":[${'{},'.repeat(200)}{}]}`])(
    'that is malformed is refused: %.20s',
    (text) => {
      verifies('AUTH-10.3')
      expect(() => readJwtBundle(text)).toThrow(expect.objectContaining({ code: 'workload_api_failed' }))
    },
  )
})

function verify(token: string): Promise<string> {
  const bundles = new Map([ours, theirs].map(({ name, jwks }) => [name, readJwtBundle(JSON.stringify(jwks))]))
  return verifyJwtSvid(token, { audience, authorities: (name) => bundles.get(name), now: Date.now() })
}
