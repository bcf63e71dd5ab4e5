import type { CallStep, Digest, Plan } from '@gatehouse/contracts'

/** Life of one step. `orphaned`: the call that proposed it has ended, the step may still be decided. */
export type StepState =
  | { readonly kind: 'pending'; readonly orphaned: boolean }
  | { readonly kind: 'approved'; readonly at: string }
  | { readonly kind: 'running'; readonly at: string }
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

export interface Plans {
  /** Newest first; pending and history. */
  entries(): readonly PlanEntry[]
  onChange(listener: () => void): () => void
  /** Adds a step (to the open plan of the same conversation and request, else a new one) and waits for the person. Aborting withdraws nothing: see `abandon`. */
  propose(
    proposing: Proposing,
    signal: AbortSignal,
  ): { readonly stepId: string; readonly decision: Promise<StepDecision> }
  approve(stepIds: readonly string[]): void
  reject(stepIds: readonly string[], reason: string): void
  /** The proposer cancelled: a pending step can no longer run. */
  withdraw(stepId: string): void
  /** The call that waited has ended: the step stays, marked so; when approved it runs through `onOrphanApproved`. */
  abandon(stepId: string): void
  started(stepId: string): void
  finished(stepId: string, outcome: 'ok' | 'failed', text: string): void
  onOrphanApproved(run: (entry: PlanEntry, step: CallStep) => void): () => void
  dispose(): void
}
