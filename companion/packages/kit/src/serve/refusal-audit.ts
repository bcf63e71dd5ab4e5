import type { Caller } from '@gatehouse/contracts'
import { buildAuditEvent } from '../audit/event.ts'
import type { Journal } from '../audit/journal.ts'
import { BoundedMap } from '../bounded-map.ts'
import { shareOf } from './arrival.ts'

export interface Refusal {
  readonly code: string
  readonly message: string
  /** Of the policy, when it is what refused; absent: the code. */
  readonly rule?: string | undefined
  /** Absent for one who could not be authenticated: all of these are counted together. */
  readonly caller?: Caller | undefined
  readonly from: string | undefined
  readonly tool?: string | undefined
  readonly startedAt: number
  readonly traceId?: string | undefined
}

interface Bucket {
  tokens: number
  filledAt: number
  /** Refusals since the last one that was recorded. */
  unrecorded: number
}

const BURST = 100
const PER_SECOND = 10
const CALLERS = 1_000

/**
 * Records refusals that happen before a call is looked at: of each caller, and of all strangers together, a burst in full, then a steady
 * sample that says how many it stands for. So nobody can fill the journal and, through it, stop the calls of others.
 */
export function createRefusalAudit(
  server: string,
  journal: Pick<Journal, 'record'>,
): (refusal: Refusal) => Promise<void> {
  const buckets = new BoundedMap<string, Bucket>(CALLERS)

  function bucketOf(caller: Caller | undefined): Bucket {
    const key = caller ? shareOf(caller) : ''
    const bucket = buckets.get(key) ?? { tokens: BURST, filledAt: Date.now(), unrecorded: 0 }
    buckets.set(key, bucket)
    return bucket
  }

  return async ({ code, message, rule = code, caller, from, tool, startedAt, traceId }) => {
    const bucket = bucketOf(caller)
    const now = Date.now()
    bucket.tokens = Math.min(BURST, bucket.tokens + ((now - bucket.filledAt) / 1000) * PER_SECOND)
    bucket.filledAt = now
    if (bucket.tokens < 1) {
      bucket.unrecorded++
      return
    }
    bucket.tokens -= 1
    const more = bucket.unrecorded > 0 ? ` (and ${bucket.unrecorded} refusals more that are not recorded singly)` : ''
    bucket.unrecorded = 0
    const decision = { allowed: false, reason: `${message}${more}`, rule }
    // The answer is a refusal whether or not it can be recorded.
    await journal
      .record(
        buildAuditEvent({ server, action: 'refuse', caller, from, tool, decision, outcome: code, startedAt, traceId }),
      )
      .catch(() => undefined)
  }
}
