import { setTimeout as sleep } from 'node:timers/promises'
import { type Digest, type Effect, Proposal, type ReceiptClaims, type UserCaller } from '@gatehouse/contracts'
import { ApprovalError } from '../approvals/approval-error.ts'
import type { Ledger } from '../approvals/ledger.ts'
import { LedgerError } from '../approvals/ledger-error.ts'
import { verifyReceipt } from '../approvals/receipt.ts'
import type { buildAuditEvent } from '../audit/event.ts'
import type { ToolContext } from '../authoring/context.ts'
import type { Logger } from '../http/log.ts'
import { failure, type Outcome, stored } from './outcome.ts'
import type { ServedTool } from './tool-table.ts'

type AuditEventOf = (fields: {
  outcome: string
  output?: Outcome
  receipt: ReceiptClaims
}) => ReturnType<typeof buildAuditEvent>

export interface ApprovedRun {
  readonly ledger: Ledger
  readonly log: Logger
  /** Short name and URL of this server. */
  readonly server: string
  readonly url: string
  readonly caller: UserCaller
  readonly tool: ServedTool
  readonly effect: Exclude<Effect, 'read'>
  /** As the caller sent them, before defaults are filled in: what a person approves. */
  readonly raw: Record<string, unknown>
  readonly args: Record<string, unknown>
  readonly argsDigest: Digest
  readonly receipt: unknown
  readonly ctx: ToolContext
  readonly event: AuditEventOf
  run(): Promise<Outcome>
}

/** `audited`: the outcome is already in the audit, in the transaction of the write. */
export type Approved = { readonly outcome: Outcome; readonly audited: boolean; readonly receipt?: ReceiptClaims }

const FINISH_ATTEMPTS = 3

/**
 * Runs a call that changes something, once, if its receipt is good. A receipt is used up, and the start of the write is in the audit, before
 * the tool runs: a process that dies in between leaves a write that did not happen, never one that nobody knows of.
 * @throws what `touches` throws
 */
export async function approvedRun(call: ApprovedRun): Promise<Approved> {
  const { ledger, tool, caller, argsDigest } = call
  let claims: ReceiptClaims
  try {
    claims = await verifyReceipt({
      receipt: call.receipt,
      caller,
      audience: call.url,
      tool: tool.surface.name,
      argsDigest,
      toolDigest: tool.digest,
      now: Math.floor(Date.now() / 1000),
    })
  } catch (error) {
    if (!(error instanceof ApprovalError)) throw error
    if (error.code !== 'approval_required') return { outcome: failure(error.code, error.message), audited: false }
    return { outcome: await required(call, error.message), audited: false }
  }
  try {
    const { jti, step, exp } = claims
    const started = call.event({ outcome: 'started', receipt: claims })
    const consumed = await ledger.consume(
      { jti, subject: caller.subject, tool: tool.surface.name, argsDigest, step, expiresAt: exp, audit: started },
      call.ctx.signal,
    )
    if (consumed.kind === 'lost') return { outcome: replayed(consumed), audited: false, receipt: claims }
  } catch (error) {
    if (error instanceof ApprovalError) {
      return { outcome: failure(error.code, error.message), audited: false, receipt: claims }
    }
    if (!(error instanceof LedgerError)) throw error
    call.log.error(error.message, { code: error.code, error: error.cause })
    return {
      outcome: failure(error.code, 'the approval could not be used, and nothing was run', { next: 'Try again.' }),
      audited: false,
    }
  }
  const outcome = await call.run()
  return { outcome: await finish(call, claims, outcome), audited: true }
}

async function required(call: ApprovedRun, message: string): Promise<Outcome> {
  const { tool, args, ctx } = call
  const { options } = tool.definition
  const proposal = Proposal.parse({
    server: call.server,
    tool: tool.surface.name,
    arguments: call.raw,
    argumentsDigest: call.argsDigest,
    toolDigest: tool.digest,
    effect: call.effect,
    summary: options.summary?.(args) ?? options.title,
    touches: (await options.touches?.(args, ctx)) ?? [],
  })
  return failure('approval_required', message, { proposal })
}

/** Nobody but the caller who used the receipt learns what came of it. */
function replayed(lost: { sameCaller: boolean; outcome?: unknown }): Outcome {
  if (lost.sameCaller && lost.outcome !== undefined) {
    return failure('approval_replayed', 'the approval was used before; this is what came of it', {
      outcome: lost.outcome,
    })
  }
  return failure('approval_replayed', 'the approval was used before', {
    next: 'Check what it did before you ask for another.',
  })
}

/** The write has happened, so its outcome is stored or the caller is told that it could not be. */
async function finish(call: ApprovedRun, claims: ReceiptClaims, outcome: Outcome): Promise<Outcome> {
  const event = call.event({ outcome: outcome.code, output: outcome, receipt: claims })
  for (let attempt = 1; ; attempt++) {
    try {
      await call.ledger.finish(claims.jti, stored(outcome), event)
      return outcome
    } catch (error) {
      call.log.error('the outcome of a write could not be stored', { code: 'outcome_unrecorded', attempt, error })
      if (attempt === FINISH_ATTEMPTS) break
      await sleep(200 * attempt)
    }
  }
  return failure('outcome_unrecorded', 'the call ran, and its outcome could not be recorded', {
    next: 'Check what it did; do not run it again.',
  })
}
