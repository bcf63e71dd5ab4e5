/** Says of each event whether it is within so many in a burst and so many a second after it. */
export function createPace(burst: number, perSecond: number, now: () => number = Date.now): () => boolean {
  let left = burst
  let at = now()
  return () => {
    const time = now()
    left = Math.min(burst, left + ((time - at) / 1_000) * perSecond)
    at = time
    if (left < 1) return false
    left -= 1
    return true
  }
}
