/** Whoever verifies a proof takes one that is so far from their own time, seconds (RFC 9449 section 11.1). */
const TOLERATED = 60

export interface ClockDifference {
  /** At least 1. */
  readonly minutes: number
  readonly side: 'ahead' | 'behind'
}

/**
 * How far this machine's clock is from that of the answering side, where that is further than a sign-in tolerates. Told by the `Date` of the
 * answer, so by what the other side says of itself.
 * @param now epoch milliseconds
 */
export function clockDifference(response: Response, now: number): ClockDifference | undefined {
  const date = Date.parse(response.headers.get('date') ?? '')
  const ahead = Math.round((now - date) / 1000)
  if (!Number.isFinite(ahead) || Math.abs(ahead) <= TOLERATED) return undefined
  return { minutes: Math.max(1, Math.round(Math.abs(ahead) / 60)), side: ahead > 0 ? 'ahead' : 'behind' }
}

/** `5 min ahead` */
export function inWords({ minutes, side }: ClockDifference): string {
  return `${minutes} min ${side}`
}
