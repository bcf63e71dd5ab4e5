import {
  type Digest,
  parseStrictJson,
  RECEIPT_MAX_LIFE,
  RECEIPT_TYP,
  ReceiptClaims,
  type UserCaller,
} from '@gatehouse/contracts'
import { calculateJwkThumbprint, compactVerify } from 'jose'
import { z } from 'zod'
import { ApprovalError } from './approval-error.ts'

/** Longest receipt looked at, characters. A real one has about 1,000. */
const MAX_LENGTH = 4096
/** How far ahead of ours the device's clock may be, seconds. */
const CLOCK_SKEW = 60
/** JWS compact serialization (RFC 7515, 7.1), signed. */
const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/
/** 32 octets in base64url. */
const Coordinate = z.string().regex(/^[A-Za-z0-9_-]{43}$/)

/**
 * Strict: a `crit`, `kid`, `jku`, `x5u` or `x5c` has no place here, nor has the private part of a key.
 * The only key that counts is the one that the access token is bound to, so nothing may point to another.
 */
const Header = z.strictObject({
  alg: z.literal('ES256'),
  typ: z.literal(RECEIPT_TYP),
  jwk: z.strictObject({
    kty: z.literal('EC'),
    crv: z.literal('P-256'),
    x: Coordinate,
    y: Coordinate,
    alg: z.literal('ES256').optional(),
    use: z.literal('sig').optional(),
  }),
})
const Claims = z.strictObject(ReceiptClaims.shape)

export interface ReceiptInput {
  /** `params._meta['dev.gatehouse/approval']` as it came: anything at all. */
  readonly receipt: unknown
  readonly caller: UserCaller
  /** This server's URL. */
  readonly audience: string
  readonly tool: string
  /** Digest of the arguments that are about to run. */
  readonly argsDigest: Digest
  /** Digest of the tool as it is now. */
  readonly toolDigest: Digest
  /** Seconds since the epoch. */
  readonly now: number
}

/**
 * Verifies an approval receipt: shape, key, signature, time, audience, subject, tool, exact arguments. Single use is the ledger's part.
 * @throws ApprovalError `approval_required` (no receipt, or a caller whose token is bound to no key), `approval_invalid`,
 *   `approval_expired`, `approval_mismatch`
 */
export async function verifyReceipt(input: ReceiptInput): Promise<ReceiptClaims> {
  const { receipt, caller } = input
  if (receipt === undefined || receipt === null) {
    throw new ApprovalError('approval_required', 'this call needs the approval of a person')
  }
  if (caller.keyThumbprint === undefined) {
    throw new ApprovalError('approval_required', 'this client has no device key, so its receipts prove nothing')
  }
  const claims = await authenticate(receipt, caller.keyThumbprint)
  checkTime(claims, input.now)
  checkBinding(claims, input)
  return claims
}

/** The claims of a receipt that the key with this RFC 7638 thumbprint signed. */
async function authenticate(receipt: unknown, thumbprint: string): Promise<ReceiptClaims> {
  if (typeof receipt !== 'string' || receipt.length > MAX_LENGTH) throw invalid('not a compact JWS')
  const parts = COMPACT.exec(receipt)
  if (!parts) throw invalid('not a compact JWS')
  const header = parsePart(Header, parts[1], 'header')
  const claims = parsePart(Claims, parts[2], 'claims')
  decode(parts[3], 'signature')
  const { kty, crv, x, y } = header.jwk
  const key = { kty, crv, x, y }
  if ((await calculateJwkThumbprint(key, 'sha256')) !== thumbprint) {
    throw invalid('signed by another key than the one the access token is bound to')
  }
  try {
    await compactVerify(receipt, key, { algorithms: ['ES256'] })
  } catch (cause) {
    throw invalid('the signature does not verify', cause)
  }
  return claims
}

function checkTime(claims: ReceiptClaims, now: number): void {
  if (claims.exp <= claims.iat || claims.exp - claims.iat > RECEIPT_MAX_LIFE) {
    throw invalid(`a receipt lives at most ${RECEIPT_MAX_LIFE} seconds`)
  }
  if (claims.iat > now + CLOCK_SKEW) throw invalid('issued in the future; check the clock of the device')
  if (claims.exp <= now)
    throw new ApprovalError('approval_expired', 'the approval has expired; it has to be given again')
}

function checkBinding(claims: ReceiptClaims, input: ReceiptInput): void {
  const differs = (what: string) => new ApprovalError('approval_mismatch', `the approval is for ${what}`)
  if (claims.aud !== input.audience) throw differs('another server')
  if (claims.sub !== input.caller.subject) throw differs('another person')
  if (claims.tool !== input.tool) throw differs('another tool')
  if (claims.tool_digest !== input.toolDigest) throw differs('another version of the tool')
  if (claims.args !== input.argsDigest) throw differs('other arguments')
}

function parsePart<T>(schema: z.ZodType<T>, part: string | undefined, what: string): T {
  const bytes = decode(part, what)
  try {
    return schema.parse(parseStrictJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)))
  } catch (cause) {
    throw invalid(`malformed ${what}`, cause)
  }
}

/** One octet sequence has one spelling: what decodes the same but is written otherwise is refused. */
function decode(part: string | undefined, what: string): Buffer {
  const bytes = Buffer.from(part ?? '', 'base64url')
  if (bytes.toString('base64url') !== part) throw invalid(`malformed ${what}`)
  return bytes
}

function invalid(detail: string, cause?: unknown): ApprovalError {
  return new ApprovalError('approval_invalid', `the approval is not valid: ${detail}`, { cause })
}
