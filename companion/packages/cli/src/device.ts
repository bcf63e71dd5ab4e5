import { randomUUID } from 'node:crypto'
import {
  APPROVAL_META,
  type Digest,
  digestOf,
  RECEIPT_MAX_LIFE,
  RECEIPT_TYP,
  type ReceiptClaims,
} from '@gatehouse/contracts'
import { dpopFetch } from './dpop.ts'
import { newSigningKey } from './signing-key.ts'

export interface Device {
  /** RFC 7638. */
  readonly thumbprint: string
  /** `fetch` that sends the token as DPoP with a fresh proof (RFC 9449 section 7.1). */
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
  const key = await newSigningKey()
  return {
    thumbprint: key.thumbprint,
    fetchWith: (token) => dpopFetch(key, token),
    async approve({ subject, audience, tool, toolDigest, arguments: given }) {
      const step = randomUUID()
      const args = digestOf(given)
      const iat = Math.floor(Date.now() / 1000)
      const claims: ReceiptClaims = {
        sub: subject,
        aud: audience,
        iat,
        exp: iat + RECEIPT_MAX_LIFE,
        jti: randomUUID(),
        tool,
        args,
        tool_digest: toolDigest,
        step,
        plan: digestOf({ step, tool, args, origin: 'command line' }),
      }
      return { [APPROVAL_META]: await key.sign(RECEIPT_TYP, claims) }
    },
  }
}
