import { createHash } from 'node:crypto'
import { type CallStep, type Digest, RECEIPT_MAX_LIFE, RECEIPT_TYP, ReceiptClaims } from '@gatehouse/contracts'
import { z } from 'zod'

/**
 * What makes a step's receipt the same receipt after a crash: a server keeps a `jti` at least until `exp`, so a second call
 * under equal terms gets the stored outcome, not a second run. `iat` and `exp` in epoch seconds.
 */
export const ReceiptTerms = z.object({ jti: z.uuid(), iat: z.int(), exp: z.int() })
export type ReceiptTerms = z.infer<typeof ReceiptTerms>

/** The part of the device key that a receipt needs. */
interface ReceiptSigner {
  sign(typ: string, claims: Readonly<Record<string, unknown>>): Promise<string>
}

export interface ReceiptInput {
  readonly step: CallStep
  readonly planDigest: Digest
  /** `sub` of the access token that the call is sent with. */
  readonly subject: string
  /** The server's URL. */
  readonly audience: string
  readonly deviceKey: ReceiptSigner
  readonly terms: ReceiptTerms
}

/** Terms for a step that starts at `now` (epoch milliseconds). The `jti` follows from the step alone: two windows that start one step make one receipt. */
export function receiptTerms(stepId: string, now: number): ReceiptTerms {
  const iat = Math.floor(now / 1000)
  return { jti: receiptId(stepId), iat, exp: iat + RECEIPT_MAX_LIFE }
}

/** Compact JWS by the device key (typ `gatehouse-approval+jwt`). */
export async function mintReceipt(input: ReceiptInput): Promise<string> {
  const { step, terms } = input
  const claims = ReceiptClaims.parse({
    sub: input.subject,
    aud: input.audience,
    ...terms,
    tool: step.tool,
    args: step.argumentsDigest,
    tool_digest: step.toolDigest,
    step: step.id,
    plan: input.planDigest,
  })
  return input.deviceKey.sign(RECEIPT_TYP, claims)
}

/** UUID version 8 (RFC 9562 section 5.8) from the step's own id. */
function receiptId(stepId: string): string {
  const bytes = createHash('sha256').update(`gatehouse receipt ${stepId}`).digest().subarray(0, 16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
