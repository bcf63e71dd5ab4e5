import type { UserCaller } from '@gatehouse/contracts'
import { HttpProblem } from '@gatehouse/kit'

/** Callers remembered at most; the one that was not heard of for the longest is forgotten. */
const CALLERS = 10_000

export interface RequestLimit {
  /** @throws HttpProblem 429 `too_many_requests` */
  take(caller: UserCaller): void
}

/** So many requests a minute from each person and client, and as many at once. */
export function createRequestLimit(perMinute: number, now: () => number): RequestLimit {
  const buckets = new Map<string, { readonly left: number; readonly at: number }>()
  return {
    take({ subject, client }) {
      const key = JSON.stringify([subject, client])
      const at = now()
      const bucket = buckets.get(key)
      const left = bucket ? Math.min(perMinute, bucket.left + ((at - bucket.at) / 60_000) * perMinute) : perMinute
      if (left < 1) {
        const wait = String(Math.ceil(((1 - left) * 60) / perMinute))
        throw new HttpProblem(429, 'too_many_requests', `${perMinute} requests a minute may be made here`, {
          'Retry-After': wait,
        })
      }
      buckets.delete(key)
      buckets.set(key, { left: left - 1, at })
      const [oldest] = buckets.keys()
      if (oldest !== undefined && buckets.size > CALLERS) buckets.delete(oldest)
    },
  }
}
