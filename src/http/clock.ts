/** Whoever verifies a proof takes one that is so far from their own time, seconds (RFC 9449 section 11.1). */
const TOLERATED = 60

/**
 * How far this machine's clock is from that of the answering side, where that is further than a sign-in tolerates: in words such as
 * `5 min ahead`. Told by the `Date` of the answer, so by what the other side says of itself.
 * @param now epoch milliseconds
 */
export function clockDifference(response: Response, now: number): string | undefined {
  const date = Date.parse(response.headers.get('date') ?? '')
  const ahead = Math.round((now - date) / 1000)
  if (!Number.isFinite(ahead) || Math.abs(ahead) <= TOLERATED) return undefined
  return `${Math.max(1, Math.round(Math.abs(ahead) / 60))} min ${ahead > 0 ? 'ahead' : 'behind'}`
}
