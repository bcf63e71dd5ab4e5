import { ToolError } from '@gatehouse/kit'

/** Lets a fixed number of holders in at once; the others wait in order. */
export class Slots {
  readonly #total: number
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(total: number) {
    this.#total = total
    this.#free = total
  }

  /** @returns releases the slot @throws ToolError `query_cancelled` when the signal aborts while waiting */
  async take(signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw cancelled()
    if (this.#free > 0) {
      this.#free--
      return this.#release()
    }
    await new Promise<void>((resolve, reject) => {
      const enter = (): void => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1)
        reject(cancelled())
      }
      this.#waiting.push(enter)
      signal.addEventListener('abort', leave, { once: true })
    })
    return this.#release()
  }

  /** Waits until nobody holds a slot. */
  async drain(): Promise<void> {
    const never = new AbortController().signal
    await Promise.all(Array.from({ length: this.#total }, () => this.take(never)))
  }

  #release(): () => void {
    let released = false
    return () => {
      if (released) return
      released = true
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }
}

function cancelled(): ToolError {
  return new ToolError('query_cancelled', 'it was stopped before it began', 'Run it again if it is still needed.')
}
