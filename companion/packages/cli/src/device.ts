import { createHash, randomUUID } from 'node:crypto'
import {
  APPROVAL_META,
  type Digest,
  digestOf,
  RECEIPT_MAX_LIFE,
  RECEIPT_TYP,
  type ReceiptClaims,
} from '@gatehouse/contracts'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

export interface Device {
  /** RFC 7638. */
  readonly thumbprint: string
  /** `fetch` that sends the token as DPoP with a fresh proof (RFC 9449 §7.1). */
  fetchWith(token: string): typeof fetch
  /** `_meta` of a call that carries the approval of exactly these arguments. */
  approve(approved: Approved): Promise<Record<string, unknown>>
}

interface Approved {
  readonly subject: string
  readonly audience: string
  readonly tool: string
  readonly toolDigest: Digest
  readonly arguments: Readonly<Record<string, unknown>>
}

/** A device key that lives for one command. */
export async function newDevice(): Promise<Device> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwk = await exportJWK(publicKey)
  const sign = (typ: string, claims: Record<string, unknown>): Promise<string> =>
    new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ, jwk: publicPart(jwk) }).sign(privateKey)

  return {
    thumbprint: await calculateJwkThumbprint(jwk),
    fetchWith: (token) => async (input, init) => {
      const request = new Request(input, init)
      const { origin, pathname } = new URL(request.url)
      const ath = createHash('sha256').update(token).digest('base64url')
      const proof = { htm: request.method, htu: `${origin}${pathname}`, ath, jti: randomUUID(), iat: now() }
      request.headers.set('Authorization', `DPoP ${token}`)
      request.headers.set('DPoP', await sign('dpop+jwt', proof))
      return fetch(request)
    },
    async approve({ subject, audience, tool, toolDigest, arguments: given }) {
      const step = randomUUID()
      const args = digestOf(given)
      const claims: ReceiptClaims = {
        sub: subject,
        aud: audience,
        iat: now(),
        exp: now() + RECEIPT_MAX_LIFE,
        jti: randomUUID(),
        tool,
        args,
        tool_digest: toolDigest,
        step,
        plan: digestOf({ step, tool, args, origin: 'command line' }),
      }
      return { [APPROVAL_META]: await sign(RECEIPT_TYP, claims) }
    },
  }
}

function publicPart({ kty, crv, x, y }: JWK): JWK {
  return Object.fromEntries(Object.entries({ kty, crv, x, y }).filter(([, value]) => value !== undefined))
}

function now(): number {
  return Math.floor(Date.now() / 1000)
}
