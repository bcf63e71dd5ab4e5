import { PrivateJwk } from '@gatehouse/contracts'
import { createPrivateKey, hash, randomUUID, sign as signature } from 'node:crypto'
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
  const { calculateJwkThumbprint } = await import('jose')
  const { d: _private, ...publicPart } = jwk
  const publicJwk: JWK = publicPart
  const privateKey = await crypto.subtle.importKey('jwk', jwk, P256, false, ['sign'])
  const publicKey = await crypto.subtle.importKey('jwk', publicJwk, P256, true, ['verify'])
  const signing = { key: createPrivateKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' } as const
  // On the spot: every request carries a proof, and handing so small a piece of work to another thread takes longer than doing it.
  const sign = (typ: string, claims: Readonly<Record<string, unknown>>): string => {
    const text = `${encoded({ alg: 'ES256', typ, jwk: publicJwk })}.${encoded(claims)}`
    return `${text}.${signature('sha256', Buffer.from(text), signing).toString('base64url')}`
  }
  return {
    thumbprint: await calculateJwkThumbprint(publicJwk),
    publicJwk,
    pair: { privateKey, publicKey },
    sign: (typ, claims) => Promise.resolve(sign(typ, claims)),
    /** RFC 9449 section 4.2. */
    proof: ({ method, url, accessToken, nonce }) => {
      const { origin, pathname } = new URL(url)
      const claims = {
        jti: randomUUID(),
        htm: method,
        htu: `${origin}${pathname}`,
        iat: Math.floor(now() / 1000),
        ...(accessToken === undefined ? {} : { ath: hash('sha256', accessToken, 'base64url') }),
        ...(nonce === undefined ? {} : { nonce }),
      }
      return Promise.resolve(sign('dpop+jwt', claims))
    },
  }
}

/** A part of a compact JWS (RFC 7515 section 7.1). */
function encoded(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
