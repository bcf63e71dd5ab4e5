import type { Caller, ServerRecord } from '@gatehouse/contracts'
import type { Askable, LogLevel, Progress, ToolContext } from '../authoring/context.ts'
import { ToolError } from '../authoring/tool-error.ts'
import type { Policy } from '../decide/policy.ts'
import type { Asking } from './asking.ts'
import { createPace } from './pace.ts'

export interface ContextInput {
  readonly caller: Caller
  readonly record: ServerRecord
  readonly policy: Policy
  readonly signal: AbortSignal
  /** Absent when the caller did not ask for progress. */
  readonly progress?: ((progress: Progress) => void) | undefined
  /** Absent where nobody listens. */
  readonly log?: ((level: LogLevel, message: string) => void) | undefined
  /** Absent where asking is not allowed. */
  readonly asking?: Asking | undefined
}

/** Progress and log lines of one call, together: what waits for a client that reads slowly must not grow without end. */
const BURST = 100
const PER_SECOND = 20
/** Longest line for the caller's client, UTF-16 code units. */
const LOG_LINE = 4_000
const NOTHING: Askable = { form: false, url: false, sampling: false, roots: false }

export function createContext({ caller, record, policy, signal, progress, log, asking }: ContextInput): ToolContext {
  let last = Number.NEGATIVE_INFINITY
  const inTime = createPace(BURST, PER_SECOND)
  const ask: ToolContext['ask'] = asking?.ask ?? notAllowed
  return {
    caller,
    signal,
    get askable() {
      return asking?.askable ?? NOTHING
    },
    progress(step) {
      // MCP 2026-07-28, utilities/progress: the value must increase, and none follows the end.
      if (!progress || signal.aborted || !(step.progress > last) || !inTime()) return
      last = step.progress
      progress(step)
    },
    log(level, message) {
      if (log && !signal.aborted && inTime()) log(level, message.slice(0, LOG_LINE).toWellFormed())
    },
    ask,
    elicit: async (name, question) => (await ask({ [name]: question }))[name] as never,
    decide: (resource) => policy.decide({ caller, action: 'read', resource, record }),
  }
}

function notAllowed(): Promise<never> {
  return Promise.reject(
    new ToolError('input_not_allowed', 'a call that runs on an approval may not ask', 'Give it all in the arguments.'),
  )
}
