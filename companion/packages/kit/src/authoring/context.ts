import type { Caller, Decision } from '@gatehouse/contracts'
import type { Resource } from '../decide/resource.ts'

/** Progress of a running call (MCP 2026-07-28, utilities/progress): `progress` only ever grows. */
export interface Progress {
  readonly progress: number
  readonly total?: number
  readonly message?: string
}

/** All that a tool learns of the call beside its arguments. There is no token here, and no header. */
export interface ToolContext {
  readonly caller: Caller
  /** Aborts when the caller cancels or disconnects, when the time limit passes, and when the server stops. */
  readonly signal: AbortSignal
  /** Does nothing when the caller did not ask for progress. */
  progress(progress: Progress): void
  /** May this caller read the server's own resource, such as `{ kind: 'table', name: 'ads.campaign_revenue' }`? */
  decide(resource: Resource): Decision
}
