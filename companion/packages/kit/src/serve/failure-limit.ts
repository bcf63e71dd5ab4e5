import { BoundedMap } from '../bounded-map.ts'
import { AdmissionError } from './admission.ts'

/** Addresses remembered at most; the oldest are forgotten. */
const ADDRESSES = 10_000

export interface FailureLimit {
  /**
   * Before a token from this address is looked at; call what is returned when it was no fault of the sender's.
   * @throws AdmissionError `too_many_failures`
   */
  take(address: string | undefined): () => void
}

/**
 * Bounds the work that tokens which are no good can cause: from one address so many in a minute are looked at, with as many at once, and the
 * rest are refused unseen. IPv6 addresses count by their /64, since whoever has one has them all.
 */
export function createFailureLimit(perMinute: number, now: () => number = Date.now): FailureLimit {
  const buckets = new BoundedMap<string, { readonly left: number; readonly at: number }>(ADDRESSES)

  function leftOf(key: string): number {
    const bucket = buckets.get(key)
    return bucket ? Math.min(perMinute, bucket.left + ((now() - bucket.at) / 60_000) * perMinute) : perMinute
  }

  const add = (key: string, change: number) =>
    buckets.set(key, { left: Math.min(perMinute, leftOf(key) + change), at: now() })

  return {
    take(address) {
      const key = keyOf(address)
      if (leftOf(key) < 1) throw new AdmissionError('too_many_failures')
      add(key, -1)
      return () => add(key, 1)
    },
  }
}

function keyOf(address = ''): string {
  const unmapped = address.replace(/^::ffff:(?=\d+\.)/, '')
  if (!unmapped.includes(':')) return unmapped
  const [head = '', tail] = unmapped.replace(/%.*$/, '').split('::', 2)
  const left = head.split(':').filter(Boolean)
  const right = tail?.split(':').filter(Boolean) ?? []
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0')
  return [...left, ...(tail === undefined ? [] : zeros), ...right].slice(0, 4).join(':')
}
