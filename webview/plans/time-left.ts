/** Time until a plan expires, in words; minutes until the last two, then seconds. */
export function timeLeft(milliseconds: number): string {
  if (milliseconds <= 0) return 'expired'
  const seconds = Math.ceil(milliseconds / 1000)
  if (seconds <= 120) return `${seconds} s left`
  return `${Math.ceil(seconds / 60)} min left`
}
