import { buildAuditEvent } from '../audit/event.ts'
import type { Journal } from '../audit/journal.ts'

export interface Refusal {
  readonly code: string
  readonly message: string
  readonly from: string | undefined
  readonly startedAt: number
}

const BURST = 100
const PER_SECOND = 10

/**
 * Records refusals of callers that could not be authenticated: a burst in full, then a steady sample, so that a stranger can neither fill the
 * journal nor, through it, stop the calls of others.
 */
export function createStrangerAudit(server: string, journal: Journal): (refusal: Refusal) => Promise<void> {
  let tokens = BURST
  let filledAt = Date.now()
  return async ({ code, message, from, startedAt }) => {
    const now = Date.now()
    tokens = Math.min(BURST, tokens + ((now - filledAt) / 1000) * PER_SECOND)
    filledAt = now
    if (tokens < 1) return
    tokens -= 1
    const decision = { allowed: false, reason: message, rule: code }
    // The answer is a refusal whether or not it can be recorded.
    await journal
      .record(buildAuditEvent({ server, action: 'refuse', from, decision, outcome: code, startedAt }))
      .catch(() => undefined)
  }
}
