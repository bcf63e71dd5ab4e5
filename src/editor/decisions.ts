import { digestOf } from '@gatehouse/contracts'
import type { PlansRequest } from '../messages.ts'
import type { PlanEntry } from '../plans/types.ts'
import { decidableSteps } from './plan-view.ts'

export type Decision =
  | { readonly kind: 'approve'; readonly steps: readonly string[] }
  | { readonly kind: 'reject'; readonly steps: readonly string[]; readonly reason: string }
  /** What was shown is not what waits now, so nothing may be decided. */
  | { readonly kind: 'refuse'; readonly why: string }

/**
 * Checks a decision of the page against what waits now: every step is one of the signed-in person's, still undecided, and was shown with
 * the arguments it has. All or nothing, so that "approve all" never approves a part.
 */
export function checkDecision(
  request: PlansRequest & { kind: 'approve' | 'reject' },
  entries: readonly PlanEntry[],
  subject: string | undefined,
): Decision {
  const waiting = new Map(decidableSteps(entries, subject).map((step) => [step.id, step]))
  for (const { id, argumentsDigest } of request.steps) {
    const step = waiting.get(id)
    if (!step) return { kind: 'refuse', why: 'a step no longer waits' }
    if (step.argumentsDigest !== argumentsDigest)
      return { kind: 'refuse', why: 'a step was shown with other arguments' }
    if (digestOf(step.arguments) !== argumentsDigest)
      return { kind: 'refuse', why: 'the arguments of a step do not match their digest' }
  }
  const steps = request.steps.map((step) => step.id)
  return request.kind === 'approve' ? { kind: 'approve', steps } : { kind: 'reject', steps, reason: request.reason }
}
