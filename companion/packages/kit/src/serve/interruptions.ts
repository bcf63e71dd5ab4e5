import { setTimeout as sleep } from 'node:timers/promises'
import { ToolError } from '../authoring/tool-error.ts'
import type { Logger } from '../http/log.ts'
import { failure, type Outcome } from './outcome.ts'

/** Why a call may end before its author's code is done; the order is that of the answer when several apply. */
export interface Interruptions {
  readonly cancelled: AbortSignal
  readonly stopping: AbortSignal
  readonly timeLimit: AbortSignal
}

/** How long an author's code may take to notice that it was interrupted, milliseconds. */
const GRACE = 2_000

/** What an author's code (a tool, a hook of it, a prompt, a resource) threw, as an outcome: told by its code, or not at all. */
export function failed(error: unknown, interruptions: Interruptions, name: string, log: Logger): Outcome {
  if (error instanceof ToolError) return failure(error.code, error.message, { next: error.next })
  if (interruptions.cancelled.aborted || interruptions.stopping.aborted || interruptions.timeLimit.aborted)
    return interrupted(interruptions)
  log.error('a tool failed', { code: 'internal_error', tool: name, error })
  return failure('internal_error', 'the tool failed; the log of the server says why')
}

export function interrupted({ cancelled, stopping }: Interruptions): Outcome {
  if (cancelled.aborted) return failure('cancelled', 'the call was cancelled')
  if (stopping.aborted) return failure('shutting_down', 'the server is stopping', { next: 'Try again in a moment.' })
  return failure('time_limit', 'the call took longer than the server allows', { next: 'Ask for less at once.' })
}

/** `undefined` when the work did not end in time after its signal had aborted. */
export async function orAbandon<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const done = new AbortController()
  const abandoned = async (): Promise<undefined> => {
    await aborted(signal, done.signal)
    await sleep(GRACE, undefined, { signal: done.signal, ref: false }).catch(() => undefined)
    return undefined
  }
  work.catch(() => undefined)
  try {
    return await Promise.race([work, abandoned()])
  } finally {
    done.abort()
  }
}

function aborted(signal: AbortSignal, done: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true, signal: done })
  })
}
