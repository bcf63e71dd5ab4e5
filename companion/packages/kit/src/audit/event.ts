import { randomUUID } from 'node:crypto'
import { AuditEvent, type Caller, type Decision, type Digest, type ReceiptClaims } from '@gatehouse/contracts'
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

/** One audit event, with an id of its own: redacted, bounded, and checked, so that the registry never has a reason to refuse it. */
export function buildAuditEvent(input: AuditInput): AuditEvent {
  const now = Date.now()
  const { receipt } = input
  return AuditEvent.parse(
    wellFormed({
      id: randomUUID(),
      at: new Date(now).toISOString(),
      server: input.server,
      action: input.action,
      caller: input.caller,
      from: bounded(input.from),
      tool: bounded(input.tool),
      prompt: bounded(input.prompt),
      resource: bounded(input.resource),
      arguments: input.arguments === undefined ? undefined : redactArguments(input.arguments, input.redact),
      argumentsDigest: input.argumentsDigest,
      decision: input.decision,
      outcome: bounded(input.outcome),
      output: input.output && excerptOf(input.output, input.outputFields),
      durationMs: Math.max(0, now - input.startedAt),
      receipt: receipt && { jti: receipt.jti, step: receipt.step, plan: receipt.plan },
      traceId: input.traceId,
    }),
  )
}

/** A name that a stranger may have made up. */
function bounded(text: string | undefined): string | undefined {
  return text?.slice(0, 128).toWellFormed()
}

/** Without the fields that are undefined, and without the lone surrogates that canonical JSON cannot carry. */
function wellFormed(fields: Record<string, unknown>): unknown {
  return JSON.parse(JSON.stringify(fields), (_key, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed() : value,
  )
}
