import { PrivateJwk } from '@gatehouse/contracts'
import { randomUUID } from 'node:crypto'
import type { JWK } from 'jose'
import type { DeviceKey } from './types.ts'

const P256 = { name: 'ECDSA', namedCurve: 'P-256' }

/** The device key with the handles that the token endpoint's own proofs need; the private one is not extractable. */
export interface BoundKey extends DeviceKey {
  readonly pair: CryptoKeyPair
}

export async function generateKey(): Promise<PrivateJwk> {
  const { generateKeyPair, exportJWK } = await import('jose')
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  return PrivateJwk.parse(await exportJWK(privateKey))
}

/** @param now epoch milliseconds */
export async function openKey(jwk: PrivateJwk, now: () => number): Promise<BoundKey> {
  const { SignJWT, calculateJwkThumbprint } = await import('jose')
  const { d: _private, ...publicPart } = jwk
  const publicJwk: JWK = publicPart
  const privateKey = await crypto.subtle.importKey('jwk', jwk, P256, false, ['sign'])
  const publicKey = await crypto.subtle.importKey('jwk', publicJwk, P256, true, ['verify'])
  const sign: DeviceKey['sign'] = (typ, claims) =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', typ, jwk: publicJwk }).sign(privateKey)
  return {
    thumbprint: await calculateJwkThumbprint(publicJwk),
    publicJwk,
    pair: { privateKey, publicKey },
    sign,
    /** RFC 9449 section 4.2. */
    proof: async ({ method, url, accessToken, nonce }) => {
      const { origin, pathname } = new URL(url)
      return sign('dpop+jwt', {
        jti: randomUUID(),
        htm: method,
        htu: `${origin}${pathname}`,
        iat: Math.floor(now() / 1000),
        ...(accessToken === undefined ? {} : { ath: await sha256(accessToken) }),
        ...(nonce === undefined ? {} : { nonce }),
      })
    },
  }
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Buffer.from(digest).toString('base64url')
}
