import type { CallStep, Digest, Plan } from '@gatehouse/contracts'
import type { ReceiptTerms } from './receipt.ts'

/** Life of one step. `orphaned`: the call that proposed it has ended, the step may still be decided. */
export type StepState =
  | { readonly kind: 'pending'; readonly orphaned: boolean }
  /** `receipt` is set when the step had been started before a reload: it may be sent again under that receipt alone. */
  | { readonly kind: 'approved'; readonly at: string; readonly receipt?: ReceiptTerms | undefined }
  | { readonly kind: 'running'; readonly at: string; readonly receipt: ReceiptTerms }
  | { readonly kind: 'rejected'; readonly at: string; readonly reason: string }
  | { readonly kind: 'withdrawn'; readonly at: string }
  | { readonly kind: 'expired' }
  | { readonly kind: 'done'; readonly at: string; readonly outcome: 'ok' | 'failed'; readonly text: string }

export interface PlanEntry {
  readonly plan: Plan
  readonly digest: Digest
  readonly states: Readonly<Record<string, StepState>>
  /** What each step will touch, as the server's proposal said; untrusted text. */
  readonly touches: Readonly<Record<string, readonly string[]>>
}

export type StepDecision =
  | { readonly kind: 'approved'; readonly entry: PlanEntry; readonly step: CallStep }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'withdrawn' }
  | { readonly kind: 'expired' }

export interface Proposing {
  readonly step: Omit<CallStep, 'kind' | 'id' | 'argumentsDigest'>
  readonly touches: readonly string[]
  readonly origin: Plan['origin']
  readonly policyVersion: string
  readonly subject: string
}

/** Structured log line; never holds arguments, tokens or text of a server. */
export type PlansLog = (line: { level: 'info' | 'warn' | 'error'; code: string; message: string }) => void

export interface Plans {
  /** Newest first; pending and history. */
  entries(): readonly PlanEntry[]
  onChange(listener: () => void): () => void
  /**
   * Adds a step (to the open plan of the same conversation and request, else a new one) and waits for the person.
   * Aborting withdraws nothing: the step stays, orphaned, and `decision` rejects with the signal's reason.
   * @throws PlanError `plan_not_saved`
   */
  propose(
    proposing: Proposing,
    signal: AbortSignal,
  ): { readonly stepId: string; readonly decision: Promise<StepDecision> }
  /**
   * Approves pending steps, in the order of their plans; whatever else is named is left alone. An approved step that a reload
   * left without a call is run by approving it again.
   * @throws PlanError `plan_not_saved`: nothing is approved
   */
  approve(stepIds: readonly string[]): void
  /** @throws PlanError `plan_not_saved` */
  reject(stepIds: readonly string[], reason: string): void
  /** The proposer cancelled: a step that has not started can no longer run. */
  withdraw(stepId: string): void
  /** The call that waited has ended: the step stays, marked so; when approved it runs through `onOrphanApproved`. */
  abandon(stepId: string): void
  /**
   * Records, on disk, that the step runs now, and returns the terms of its only receipt. Called before the call is sent.
   * @throws PlanError `step_not_approved`, `step_expired`, `plan_not_saved`: the call must not be sent
   */
  started(stepId: string): ReceiptTerms
  finished(stepId: string, outcome: 'ok' | 'failed', text: string): void
  /** `run` is also called for the steps that were running at a reload and whose receipt is still good: it sends them again under it. */
  onOrphanApproved(run: (entry: PlanEntry, step: CallStep) => void): () => void
  dispose(): void
}
