import { type CallStep, GatehouseError, type ServerRecord } from '@gatehouse/contracts'
import { type ApprovedStepContext, runApprovedStep } from './approved-step.ts'
import { ConnectionError, isChannelBroken } from './errors.ts'
import { isTransient, neverRan } from './failure.ts'
import { createLane, type Lane } from './lane.ts'
import { argumentsDigest, proposing } from './proposal.ts'
import type { SendOptions } from './server-connection.ts'
import { outcomeOf, proposalOf } from './tool-result.ts'
import { traceOf } from './trace.ts'
import type { PlanEntry, StepDecision } from '../plans/types.ts'
import type { ConnectionsLog, ToolCall, ToolOutcome } from './types.ts'

export const WAITING = 'Waiting for your approval in Gatehouse'

interface Proposed {
  readonly kind: 'proposed'
  readonly stepId: string
  readonly decision: Promise<StepDecision>
}

export interface Caller {
  /** Never rejects. */
  call(call: ToolCall): Promise<ToolOutcome>
  /** A step whose call has ended: runs it once and records the outcome. */
  runOrphan(entry: PlanEntry, step: CallStep): Promise<void>
}

export interface CallerOptions extends ApprovedStepContext {
  readonly log: ConnectionsLog
  /** Aborted, with a ConnectionError `disposed`, when the window closes. */
  readonly closing: AbortSignal
}

/** The way of one call: allowed? reviewed? asked without a receipt; where the server wants an approval, a person; then once, under a receipt. */
export function createCaller(options: CallerOptions): Caller {
  const { plans, access, closing } = options
  /** Per server: proposals arrive in the order of the calls, approved writes run in the order of their approval. */
  const proposals = lanes()
  const writes = lanes()

  return {
    async call(call) {
      try {
        return await way(call)
      } catch (error) {
        const outcome = refusal(error, call.signal)
        if (outcome.code === 'call_failed') options.log({ level: 'error', code: 'call_failed', message: kindOf(error) })
        return outcome
      }
    },
    async runOrphan(entry, step) {
      await writes(step.server)
        .run(() => runApprovedStep(options, entry, step, { signal: closing }))
        .catch(() => undefined)
    },
  }

  async function way(call: ToolCall): Promise<ToolOutcome> {
    const { tool } = access.toolAt(call.server, call.tool)
    argumentsDigest(call.arguments)
    if (tool.effect !== 'read') {
      const asked = await proposals(call.server).run(() => propose(call))
      return asked.kind === 'refused' ? asked.outcome : decided(call, asked)
    }
    const outcome = await ask(call, true)
    const proposed = proposedBy(call, outcome)
    return proposed ? decided(call, proposed) : outcome
  }

  /** A write asked for without a receipt only makes the server say what it would touch. */
  async function propose(call: ToolCall): Promise<Proposed | { kind: 'refused'; outcome: ToolOutcome }> {
    const outcome = await ask(call, false)
    const proposed = proposedBy(call, outcome)
    if (proposed) return proposed
    if (outcome.isError) return { kind: 'refused', outcome }
    const error = new ConnectionError(
      'approval_not_enforced',
      'The server ran a change without asking for an approval. It is not used any more; tell its owner.',
    )
    options.connection(call.server).refuse(error)
    throw error
  }

  /** @throws PlanError where the step cannot be kept */
  function proposedBy(call: ToolCall, outcome: ToolOutcome): Proposed | undefined {
    const proposal = proposalOf(outcome)
    if (!proposal) return undefined
    const { record, tool } = access.toolAt(call.server, call.tool)
    const context = { subject: access.subject(), policyVersion: access.policyVersion() }
    return { kind: 'proposed', ...plans.propose(proposing(call, record, tool, proposal, context), call.signal) }
  }

  async function decided(call: ToolCall, { stepId, decision }: Proposed): Promise<ToolOutcome> {
    call.onProgress?.({ progress: 0, message: WAITING })
    let answer: StepDecision
    try {
      answer = await decision
    } catch (error) {
      if (!isChannelBroken(error) && call.signal.aborted) plans.withdraw(stepId)
      throw error
    }
    if (answer.kind === 'rejected') {
      throw new ConnectionError(
        'approval_rejected',
        `The person rejected this: ${answer.reason || 'no reason given'}. Do not retry unless they ask.`,
      )
    }
    if (answer.kind === 'withdrawn')
      throw new ConnectionError('approval_withdrawn', 'This was withdrawn before a decision. Nothing was run.')
    if (answer.kind === 'expired')
      throw new ConnectionError('approval_expired', 'Nobody decided on this in time. Nothing was run.')
    const { entry, step } = answer
    const cancelled = cancelOf(call.signal)
    const run = () =>
      runApprovedStep(options, entry, step, {
        signal: cancelled,
        traceparent: call.traceparent,
        onProgress: call.onProgress,
      })
    const withdraw = () => plans.withdraw(step.id)
    cancelled.addEventListener('abort', withdraw, { once: true })
    try {
      return await (step.effect === 'write' ? writes(step.server).run(run) : run())
    } finally {
      cancelled.removeEventListener('abort', withdraw)
    }
  }

  /** Sends without a receipt. A read is tried once more over a new connection; a write only where nothing was sent. */
  async function ask(call: ToolCall, retryable: boolean): Promise<ToolOutcome> {
    try {
      return await once(call)
    } catch (error) {
      if (!(error instanceof GatehouseError) || !(retryable ? isTransient(error) : neverRan(error))) throw error
      const { record } = access.toolAt(call.server, call.tool)
      if (error.code === 'server_refused') options.session.forget(record.url)
      options.connection(call.server).reset()
      return once(call)
    }
  }

  async function once(call: ToolCall): Promise<ToolOutcome> {
    const { record, tool: recorded } = access.toolAt(call.server, call.tool)
    const connection = options.connection(call.server)
    const signal = AbortSignal.any([call.signal, closing])
    const surface = await connection.surface(record, { signal, eager: true })
    const { tool } = access.offered(surface, call.tool)
    if (recorded.effect !== 'read' && !surface.verifiesApprovals) throw checksNothing(record)
    const send: SendOptions = { meta: { traceparent: traceOf(call.traceparent) }, signal, onProgress: call.onProgress }
    return outcomeOf(await connection.send(record, tool, call.arguments, send))
  }

  /** What a person has approved runs on when the chat is gone; only a cancellation, or the closing window, stops it. */
  function cancelOf(signal: AbortSignal): AbortSignal {
    const controller = new AbortController()
    const forward = () => {
      if (!isChannelBroken(signal.reason)) controller.abort(signal.reason)
    }
    if (signal.aborted) forward()
    else signal.addEventListener('abort', forward, { once: true })
    return AbortSignal.any([controller.signal, closing])
  }
}

/** Asked for a change without a receipt, as every server is first, it would make it. */
function checksNothing({ title, owner }: ServerRecord): ConnectionError {
  return new ConnectionError(
    'approval_not_enforced',
    `${title} does not say that it checks approvals, so it is not asked to change anything. Nothing was run. Tell its owner, ${owner.team} (${owner.contact}).`,
  )
}

function refusal(error: unknown, signal: AbortSignal): ToolOutcome {
  if (error instanceof GatehouseError) return { isError: true, code: error.code, text: error.message }
  if (signal.aborted) return { isError: true, code: 'cancelled', text: 'The call was cancelled.' }
  return { isError: true, code: 'call_failed', text: 'The call failed for a reason that Gatehouse does not know.' }
}

/** The class of an unforeseen error: its text may hold anything. */
function kindOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}

function lanes(): (server: string) => Lane {
  const all = new Map<string, Lane>()
  return (server) => {
    const lane = all.get(server) ?? createLane()
    all.set(server, lane)
    return lane
  }
}
