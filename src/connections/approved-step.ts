import { APPROVAL_META, type CallStep, GatehouseError } from '@gatehouse/contracts'
import { setTimeout as sleep } from 'node:timers/promises'
import { mintReceipt } from '../plans/receipt.ts'
import type { PlanEntry, Plans } from '../plans/types.ts'
import type { Session } from '../session/types.ts'
import type { Access } from './access.ts'
import { ConnectionError } from './errors.ts'
import { isTransient } from './failure.ts'
import type { ServerConnection } from './server-connection.ts'
import { firstOutcome, outcomeOf } from './tool-result.ts'
import { traceOf } from './trace.ts'
import type { ToolOutcome, ToolProgress } from './types.ts'

const TRIES = 3

export interface ApprovedStepContext {
  readonly plans: Plans
  readonly session: Session
  readonly access: Access
  connection(server: string): ServerConnection
  /** Milliseconds between tries under one receipt. */
  readonly pause: number
}

export interface RunOptions {
  /** Aborted only by a cancellation, or by the window closing (`disposed`). */
  readonly signal: AbortSignal
  readonly traceparent?: string | undefined
  readonly onProgress?: ((progress: ToolProgress) => void) | undefined
}

/**
 * Runs one approved step: start recorded on disk, receipt, call, outcome recorded. The start is what makes it run once; every try is
 * under the one receipt, so that a server that has run it already answers with the stored outcome.
 * @throws GatehouseError: nothing was run, or `outcome_unknown`; recorded in the plan either way
 */
export async function runApprovedStep(
  context: ApprovedStepContext,
  entry: PlanEntry,
  step: CallStep,
  options: RunOptions,
): Promise<ToolOutcome> {
  const { plans, session, access } = context
  let started = false
  try {
    const { record, tool } = access.toolAt(step.server, step.tool)
    if (tool.digest !== step.toolDigest) {
      throw new ConnectionError(
        'surface_mismatch',
        'The tool has changed since this was approved. Ask for it again. Nothing was run.',
      )
    }
    if (access.subject() !== entry.plan.createdBy) {
      throw new ConnectionError(
        'not_signed_in',
        'This was approved by somebody else than who is signed in. Nothing was run.',
      )
    }
    const connection = context.connection(record.id)
    const surface = await connection.surface(record, { signal: options.signal, eager: true })
    const offered = access.offered(surface, step.tool)
    const deviceKey = await session.deviceKey()
    options.signal.throwIfAborted()
    const terms = plans.started(step.id)
    started = true
    const receipt = await mintReceipt({
      step,
      planDigest: entry.digest,
      subject: entry.plan.createdBy,
      audience: record.url,
      deviceKey,
      terms,
    })
    const meta = { [APPROVAL_META]: receipt, traceparent: traceOf(options.traceparent) }
    const outcome = await underOneReceipt(context, () =>
      connection.send(record, offered.tool, step.arguments, {
        meta,
        signal: options.signal,
        onProgress: options.onProgress,
      }),
    )
    plans.finished(step.id, outcome.isError ? 'failed' : 'ok', outcome.text)
    return outcome
  } catch (error) {
    // The window is closing: on disk the step stays as it was, and the next window sends it again under the same receipt.
    if (error instanceof ConnectionError && error.code === 'disposed') throw error
    if (!started && options.signal.aborted) throw error
    const failure = started || wasSent(entry, step) ? unknownOutcome(error, options.signal) : error
    plans.finished(
      step.id,
      'failed',
      failure instanceof Error ? failure.message : 'It could not be started. Nothing was run.',
    )
    throw failure
  }
}

/** Sent before a reload: the outcome is the server's to tell. */
export function wasSent(entry: PlanEntry, step: CallStep): boolean {
  const state = entry.states[step.id]
  return state?.kind === 'approved' && state.receipt !== undefined
}

async function underOneReceipt(context: ApprovedStepContext, send: () => Promise<unknown>): Promise<ToolOutcome> {
  for (let tries = 1; ; tries++) {
    try {
      return firstOutcome(outcomeOf(await send()))
    } catch (error) {
      if (tries === TRIES || !(error instanceof GatehouseError) || !isTransient(error)) throw error
      await sleep(context.pause * tries)
    }
  }
}

function unknownOutcome(error: unknown, signal: AbortSignal): ConnectionError {
  const why = signal.aborted ? 'It was cancelled while it ran, and the server was told to stop.' : messageOf(error)
  return new ConnectionError(
    'outcome_unknown',
    `${why} Whether it took effect is not known. Check the data before asking for it again; it will not be run twice under this approval.`,
    { cause: error },
  )
}

function messageOf(error: unknown): string {
  return error instanceof GatehouseError ? error.message : 'The call failed.'
}
