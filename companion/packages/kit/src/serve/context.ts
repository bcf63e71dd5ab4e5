import type { Caller, ServerRecord } from '@gatehouse/contracts'
import type { Progress, ToolContext } from '../authoring/context.ts'
import type { Policy } from '../decide/policy.ts'

export interface ContextInput {
  readonly caller: Caller
  readonly record: ServerRecord
  readonly policy: Policy
  readonly signal: AbortSignal
  /** Absent when the caller did not ask for progress. */
  readonly progress?: ((progress: Progress) => void) | undefined
}

export function createContext({ caller, record, policy, signal, progress }: ContextInput): ToolContext {
  let last = Number.NEGATIVE_INFINITY
  return {
    caller,
    signal,
    progress(step) {
      // MCP 2026-07-28, utilities/progress: the value must increase, and none follows the end.
      if (!progress || signal.aborted || !(step.progress > last)) return
      last = step.progress
      progress(step)
    },
    decide: (resource) => policy.decide({ caller, action: 'read', resource, record }),
  }
}
