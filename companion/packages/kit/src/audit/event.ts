import { randomUUID } from 'node:crypto'
import type { AuditEvent, Caller, Decision, Digest, ReceiptClaims } from '@gatehouse/contracts'
import { excerptOf, type Output } from './excerpt.ts'
import { redactArguments } from './redact.ts'

export interface AuditInput {
  readonly server: string
  readonly action: AuditEvent['action']
  readonly caller?: Caller | undefined
  /** Remote address as the transport saw it. */
  readonly from?: string | undefined
  readonly tool?: string | undefined
  readonly prompt?: string | undefined
  readonly resource?: string | undefined
  /** As the caller sent them; redacted here. */
  readonly arguments?: unknown
  /** Names of arguments that the tool's author keeps out of the audit. */
  readonly redact?: readonly string[] | undefined
  readonly argumentsDigest?: Digest | undefined
  readonly decision: Decision
  /** `ok`, `started` for a write that is about to run, or the stable code of the error. */
  readonly outcome: string
  /** As the caller gets it; only its size, digest and shape are kept. */
  readonly output?: Output | undefined
  /** Top-level fields of the tool's output schema, which the excerpt may name. */
  readonly outputFields?: readonly string[] | undefined
  /** When the call arrived, milliseconds since the epoch. */
  readonly startedAt: number
  readonly receipt?: ReceiptClaims | undefined
  readonly traceId?: string | undefined
}

/**
 * One audit event, with an id of its own: redacted, bounded, and without the lone surrogates that canonical JSON cannot carry, so that the
 * registry never has a reason to refuse it. Made from parts that are checked already; that it fits its schema is for the tests to say.
 */
export function buildAuditEvent(input: AuditInput): AuditEvent {
  const now = Date.now()
  const { caller, from, tool, prompt, resource, argumentsDigest, output, receipt, traceId } = input
  return {
    id: randomUUID(),
    at: new Date(now).toISOString(),
    server: input.server,
    action: input.action,
    ...(caller && { caller: wellFormed(caller) }),
    ...(from !== undefined && { from: bounded(from) }),
    ...(tool !== undefined && { tool: bounded(tool) }),
    ...(prompt !== undefined && { prompt: bounded(prompt) }),
    ...(resource !== undefined && { resource: bounded(resource) }),
    ...(input.arguments !== undefined && { arguments: redactArguments(input.arguments, input.redact) }),
    ...(argumentsDigest && { argumentsDigest }),
    decision: wellFormed(input.decision),
    outcome: bounded(input.outcome),
    ...(output && { output: excerptOf(output, input.outputFields) }),
    durationMs: Math.max(0, now - input.startedAt),
    ...(receipt && { receipt: wellFormed({ jti: receipt.jti, step: receipt.step, plan: receipt.plan }) }),
    ...(traceId !== undefined && { traceId }),
  }
}

/** A name that a stranger may have made up. */
function bounded(text: string): string {
  return text.slice(0, 128).toWellFormed()
}

/** The same values, copied only if a string of them has to be mended. */
function wellFormed<T extends object>(fields: T): T {
  return isWellFormed(fields) ? fields : (mended(fields) as T)
}

function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  return Object.values(value).every(isWellFormed)
}

function mended(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed()
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(mended)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mended(item)]))
}
