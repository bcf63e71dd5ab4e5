const FIRST = 1000
const LONGEST = 60_000

/**
 * Milliseconds before try number `attempt` (from 0): doubling from 1 s to 60 s, of which the upper half is random, so that a server
 * that comes back is not met by every window at once. `random` in [0, 1).
 */
export function retryDelay(attempt: number, random: number): number {
  const full = Math.min(FIRST * 2 ** Math.min(attempt, 16), LONGEST)
  return Math.round(full / 2 + (full / 2) * random)
}
