import { type CallStep, digestOf, type Plan } from '@gatehouse/contracts'
import { receiptTerms } from './receipt.ts'
import type { PlanEntry, Proposing, StepState } from './types.ts'

/** Longest outcome or reason kept, characters. */
const TEXT_LIMIT = 8000
const STEP_LIMIT = 200
const OUTCOME_UNKNOWN =
  'The window was reloaded while this ran, and its outcome is unknown. It was sent at most once: check the data before asking for it again.'

export interface NewPlan {
  readonly id: string
  readonly now: number
  /** Seconds. */
  readonly life: number
}

export function callStep(id: string, proposing: Proposing): CallStep {
  return { kind: 'call', id, ...proposing.step, argumentsDigest: digestOf(proposing.step.arguments) }
}

export function newEntry(proposing: Proposing, step: CallStep, made: NewPlan): PlanEntry {
  const plan: Plan = {
    id: made.id,
    createdBy: proposing.subject,
    surface: 'ide',
    origin: proposing.origin,
    steps: [step],
    policyVersion: proposing.policyVersion,
    createdAt: iso(made.now),
    expiresAt: iso(made.now + made.life * 1000),
  }
  return withStep({ plan, digest: digestOf(plan), states: {}, touches: {} }, step, proposing.touches)
}

export function addStep(entry: PlanEntry, proposing: Proposing, step: CallStep): PlanEntry {
  const plan = { ...entry.plan, steps: [...entry.plan.steps, step] }
  return withStep({ ...entry, plan, digest: digestOf(plan) }, step, proposing.touches)
}

/** Steps of one chat turn by one person under one policy are one plan, while at least half of its life is left. */
export function isOpenFor(entry: PlanEntry, proposing: Proposing, now: number): boolean {
  const { plan } = entry
  const { door, conversation, request } = proposing.origin
  if (conversation === undefined || request === undefined) return false
  const halfway = (Date.parse(plan.createdAt) + Date.parse(plan.expiresAt)) / 2
  return (
    plan.origin.door === door &&
    plan.origin.conversation === conversation &&
    plan.origin.request === request &&
    plan.createdBy === proposing.subject &&
    plan.policyVersion === proposing.policyVersion &&
    plan.steps.length < STEP_LIMIT &&
    now < halfway
  )
}

/** `undefined` where the step may not be approved: only what is pending and unexpired is. */
export function approved(entry: PlanEntry, stepId: string, now: number): PlanEntry | undefined {
  return from(entry, stepId, (state) =>
    state.kind === 'pending' && !isPast(entry, now) ? { kind: 'approved', at: iso(now) } : undefined,
  )
}

export function rejected(entry: PlanEntry, stepId: string, reason: string, now: number): PlanEntry | undefined {
  return from(entry, stepId, (state) =>
    isUndecided(state) ? { kind: 'rejected', at: iso(now), reason: clipped(reason) } : undefined,
  )
}

export function withdrawn(entry: PlanEntry, stepId: string, now: number): PlanEntry | undefined {
  return from(entry, stepId, (state) => (isUndecided(state) ? { kind: 'withdrawn', at: iso(now) } : undefined))
}

export function orphaned(entry: PlanEntry, stepId: string): PlanEntry | undefined {
  return from(entry, stepId, (state) =>
    state.kind === 'pending' && !state.orphaned ? { kind: 'pending', orphaned: true } : undefined,
  )
}

/** The one way to `running`: from `approved`, in time, once. A step that was interrupted keeps the receipt it had. */
export function running(entry: PlanEntry, stepId: string, now: number): PlanEntry | undefined {
  return from(entry, stepId, (state) => {
    if (state.kind !== 'approved') return undefined
    if (state.receipt)
      return receiptIsGood(state.receipt, now) ? { ...state, kind: 'running', receipt: state.receipt } : undefined
    return isPast(entry, now) ? undefined : { kind: 'running', at: iso(now), receipt: receiptTerms(stepId, now) }
  })
}

/** An approved step may also end without having run: its server is gone, or refuses before any effect. */
export function done(
  entry: PlanEntry,
  stepId: string,
  outcome: 'ok' | 'failed',
  text: string,
  now: number,
): PlanEntry | undefined {
  return from(entry, stepId, (state) =>
    state.kind === 'running' || (state.kind === 'approved' && outcome === 'failed')
      ? { kind: 'done', at: iso(now), outcome, text: clipped(text) }
      : undefined,
  )
}

/** Expires what was never started once the plan is past its life; the same entry when nothing is. */
export function expired(entry: PlanEntry, now: number): PlanEntry {
  if (!isPast(entry, now)) return entry
  return every(entry, (state) =>
    state.kind === 'pending' || (state.kind === 'approved' && !state.receipt) ? { kind: 'expired' } : state,
  )
}

/** What a plan read from disk means after a reload: no call waits, nothing has been decided, and nothing is started here. */
export function reloaded(entry: PlanEntry, now: number): PlanEntry {
  return expired(
    every(entry, (state) => {
      if (state.kind === 'pending') return { kind: 'pending', orphaned: true }
      const receipt = state.kind === 'running' || state.kind === 'approved' ? state.receipt : undefined
      if (!receipt || !('at' in state)) return state
      return receiptIsGood(receipt, now)
        ? { kind: 'approved', at: state.at, receipt }
        : { kind: 'done', at: iso(now), outcome: 'failed', text: OUTCOME_UNKNOWN }
    }),
    now,
  )
}

/** Epoch milliseconds of the plan's expiry while a step could still expire. */
export function expiry(entry: PlanEntry): number | undefined {
  const waits = Object.values(entry.states).some(isUndecided)
  return waits ? Date.parse(entry.plan.expiresAt) : undefined
}

function isPast(entry: PlanEntry, now: number): boolean {
  return now >= Date.parse(entry.plan.expiresAt)
}

function isUndecided(state: StepState): boolean {
  return state.kind === 'pending' || (state.kind === 'approved' && !state.receipt)
}

function receiptIsGood(receipt: { readonly exp: number }, now: number): boolean {
  return now < receipt.exp * 1000
}

function from(
  entry: PlanEntry,
  stepId: string,
  next: (state: StepState) => StepState | undefined,
): PlanEntry | undefined {
  const state = entry.states[stepId]
  const after = state && next(state)
  return after && { ...entry, states: { ...entry.states, [stepId]: after } }
}

function every(entry: PlanEntry, next: (state: StepState) => StepState): PlanEntry {
  const states = Object.fromEntries(Object.entries(entry.states).map(([id, state]) => [id, next(state)]))
  return { ...entry, states }
}

function withStep(entry: PlanEntry, step: CallStep, touches: readonly string[]): PlanEntry {
  return {
    ...entry,
    states: { ...entry.states, [step.id]: { kind: 'pending', orphaned: false } },
    touches: { ...entry.touches, [step.id]: touches.slice(0, 100).map(clipped) },
  }
}

function clipped(text: string): string {
  return text.length > TEXT_LIMIT ? `${text.slice(0, TEXT_LIMIT)}…` : text
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
