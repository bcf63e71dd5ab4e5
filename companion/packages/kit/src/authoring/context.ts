import type { Caller, Decision } from '@gatehouse/contracts'
import type { Resource } from '../decide/resource.ts'
import type { Question } from './question.ts'

/** Progress of a running call (MCP 2026-07-28, utilities/progress): `progress` only ever grows. */
export interface Progress {
  readonly progress: number
  readonly total?: number
  readonly message?: string
}

/** Severities of RFC 5424, as MCP names them. */
export type LogLevel = 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical' | 'alert' | 'emergency'

/** What the caller's client can be asked for. It says so itself: a help to choose a question, and no ground for a decision. */
export interface Askable {
  readonly form: boolean
  readonly url: boolean
  readonly sampling: boolean
  readonly roots: boolean
}

export type Answers<Q extends Readonly<Record<string, Question<unknown>>>> = {
  readonly [K in keyof Q]: Q[K] extends Question<infer A> ? A : never
}

/** All that a tool, a prompt or a resource learns of the call beside its arguments. There is no token here, and no header. */
export interface ToolContext {
  readonly caller: Caller
  /** Aborts when the caller cancels or disconnects, when the time limit passes, and when the server stops. */
  readonly signal: AbortSignal
  readonly askable: Askable
  /** Does nothing when the caller did not ask for progress. */
  progress(progress: Progress): void
  /** A line for the caller's client, which it gets if it asked for lines of this level. Not the server's own log, and no place for secrets. */
  log(level: LogLevel, message: string): void
  /**
   * Asks the caller's client, and gives the answers under the same names. The call ends here and **runs again from its start** with the
   * answers, so ask before anything with an effect; a question that was answered is not asked again. Only a call that reads may ask: one that
   * runs on an approval does what was approved and nothing else (`input_not_allowed`). A client that cannot be asked is told so
   * (`client_capability_missing`).
   */
  ask<Q extends Readonly<Record<string, Question<unknown>>>>(questions: Q): Promise<Answers<Q>>
  /** One question of `ask`, by a name of its own within the call. */
  elicit<A>(name: string, question: Question<A>): Promise<A>
  /** May this caller read the server's own resource, such as `{ kind: 'table', name: 'ads.campaign_revenue' }`? */
  decide(resource: Resource): Decision
}
