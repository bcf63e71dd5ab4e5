import { z } from 'zod'
import { Caller } from './caller.ts'
import { Decision } from './decision.ts'
import { Digest } from './digest.ts'
import { ServerId } from './record.ts'

/** One per call and per refusal (OBS-2). Never holds rows, tokens, or arguments that are not redacted. */
export const AuditEvent = z.object({
  id: z.uuid(),
  at: z.iso.datetime(),
  server: ServerId,
  action: z.enum(['list', 'call', 'read', 'cancel', 'refuse']),
  /** Absent when the caller could not be authenticated. */
  caller: Caller.optional(),
  /** Remote address as the transport saw it. */
  from: z.string().optional(),
  tool: z.string().optional(),
  /** Name of the prompt that was read. */
  prompt: z.string().optional(),
  /** Name of the resource or template that was read; of one that is not there, its address. */
  resource: z.string().optional(),
  arguments: z.unknown().optional(),
  argumentsDigest: Digest.optional(),
  decision: Decision,
  /** `ok`, or the stable code of the error. */
  outcome: z.string(),
  output: z.object({ bytes: z.int(), digest: Digest, excerpt: z.string().max(2000) }).optional(),
  /** Milliseconds from arrival to outcome. */
  durationMs: z.number().min(0),
  receipt: z.object({ jti: z.string(), step: z.string(), plan: z.string() }).optional(),
  traceId: z.string().optional(),
})
export type AuditEvent = z.infer<typeof AuditEvent>
