import { ToolError } from '../authoring/tool-error.ts'
import type { Logger } from '../http/log.ts'
import { failure, type Outcome } from './outcome.ts'

export interface InterruptionsInput {
  /** Aborts when the caller cancels or goes away. */
  readonly cancelled: AbortSignal
  readonly stopping: AbortSignal
  /** Longest run, milliseconds. */
  readonly time: number
}

/** How long an author's code may take to notice that it was interrupted, milliseconds. */
const GRACE = 2_000

/**
 * Why a call may end before its author's code is done. By hand, and not by `AbortSignal.any` and `.timeout`, which take as long as the rest of
 * a call. Whoever makes it calls `end`.
 */
export class Interruptions {
  readonly #input: InterruptionsInput
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout
  #late = false

  constructor(input: InterruptionsInput) {
    this.#input = input
    this.#timer = setTimeout(this.#onTime, input.time)
    this.#timer.unref()
    for (const signal of [input.cancelled, input.stopping]) {
      signal.addEventListener('abort', this.#onAbort, { once: true })
      if (signal.aborted) this.#onAbort()
    }
  }

  /** Aborts with the first of them. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** What the call came to by them, or undefined when there was none; the order is that of the answer when several apply. */
  outcome(): Outcome | undefined {
    if (this.#input.cancelled.aborted) return failure('cancelled', 'the call was cancelled')
    if (this.#input.stopping.aborted)
      return failure('shutting_down', 'the server is stopping', { next: 'Try again in a moment.' })
    if (!this.#late) return undefined
    return failure('time_limit', 'the call took longer than the server allows', { next: 'Ask for less at once.' })
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#input.cancelled.removeEventListener('abort', this.#onAbort)
    this.#input.stopping.removeEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = (): void => this.#controller.abort()
  readonly #onTime = (): void => {
    this.#late = true
    this.#controller.abort(new DOMException('the call took longer than the server allows', 'TimeoutError'))
  }
}

/** What an author's code (a tool, a hook of it, a prompt, a resource) threw, as an outcome: told by its code, or not at all. */
export function failed(error: unknown, interruptions: Interruptions, name: string, log: Logger): Outcome {
  if (error instanceof ToolError) return failure(error.code, error.message, { next: error.next })
  const interrupted = interruptions.outcome()
  if (interrupted) return interrupted
  log.error('a tool failed', { code: 'internal_error', tool: name, error })
  return failure('internal_error', 'the tool failed; the log of the server says why')
}

/** `undefined` when the work did not end in time after its signal had aborted. */
export function orAbandon<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let grace: NodeJS.Timeout | undefined
    const onAbort = (): void => {
      grace = setTimeout(() => settle(() => resolve(undefined)), GRACE)
      grace.unref()
    }
    const settle = (how: () => void): void => {
      signal.removeEventListener('abort', onAbort)
      clearTimeout(grace)
      how()
    }
    work.then(
      (result) => settle(() => resolve(result)),
      (error: Error) => settle(() => reject(error)),
    )
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  })
}
