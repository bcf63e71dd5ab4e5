import { z } from 'zod'
import { Digest } from './digest.ts'

/** `params._meta` key that carries the receipt; and the extension by which a server says that it verifies receipts (MCP 2026-07-28, extensions). */
export const APPROVAL_META = 'dev.gatehouse/approval'
export const RECEIPT_TYP = 'gatehouse-approval+jwt'
/** Longest life of a receipt, seconds. */
export const RECEIPT_MAX_LIFE = 600

/** Claims of an approval receipt: a JWS (ES256) by the device key that the access token is bound to. The header carries `jwk`. */
export const ReceiptClaims = z.object({
  sub: z.string(),
  /** The server's URL (RFC 8707 resource). */
  aud: z.string(),
  iat: z.int(),
  exp: z.int(),
  jti: z.uuid(),
  tool: z.string(),
  /** Digest of the exact arguments. */
  args: Digest,
  tool_digest: Digest,
  step: z.uuid(),
  /** Digest of the plan; for the audit only. */
  plan: Digest,
})
export type ReceiptClaims = z.infer<typeof ReceiptClaims>

export const ApprovalRefusal = z.enum([
  'approval_required',
  'approval_expired',
  'approval_mismatch',
  'approval_replayed',
  'approval_invalid',
])
export type ApprovalRefusal = z.infer<typeof ApprovalRefusal>

/** Structured content of an `approval_required` refusal: what a person would approve. */
export const Proposal = z.object({
  server: z.string(),
  tool: z.string(),
  arguments: z.record(z.string(), z.unknown()),
  argumentsDigest: Digest,
  toolDigest: Digest,
  effect: z.enum(['expensive', 'write']),
  summary: z.string(),
  /** What the call will touch, one line each. */
  touches: z.array(z.string()),
})
export type Proposal = z.infer<typeof Proposal>
