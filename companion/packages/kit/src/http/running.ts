import { setTimeout as sleep } from 'node:timers/promises'

/** Counts the requests in flight, so that a server that stops can wait for them and for nothing else. */
export class Running {
  #count = 0
  #idle = Promise.withResolvers<void>()

  get count(): number {
    return this.#count
  }

  /** Call the returned function once, at the end. */
  begin(): () => void {
    this.#count++
    let ended = false
    return () => {
      if (ended) return
      ended = true
      this.#count--
      if (this.#count > 0) return
      this.#idle.resolve()
      this.#idle = Promise.withResolvers<void>()
    }
  }

  /** Resolves when nothing runs, or when the time (milliseconds) is over. */
  async settled(time: number): Promise<void> {
    if (this.#count === 0) return
    const over = new AbortController()
    await Promise.race([this.#idle.promise, sleep(time, undefined, { signal: over.signal }).catch(() => undefined)])
    over.abort()
  }
}
