import type { StoredOutcome } from '../approvals/outcome.ts'
import type { AttachedContent } from '../authoring/content.ts'
import type { QuestionRequest } from '../authoring/question.ts'

/** What a call asks its client for, as it goes on the wire. */
export interface InputRequired {
  readonly inputRequests: Readonly<Record<string, QuestionRequest>>
  readonly requestState: string
}

/** What a call came to. A refusal or a failure has `structured.code`. */
export interface Outcome {
  readonly isError: boolean
  readonly structured: Record<string, unknown>
  readonly text: string
  /** What follows the text. */
  readonly content?: readonly AttachedContent[]
  /** `ok`, or the stable code: for audit and telemetry. */
  readonly code: string
  /** With the code `input_required`: what the client is asked before the call can go on. */
  readonly input?: InputRequired
}

/** A chat shows the text of a failure alone, so what to do next stands there too. */
export function failure(code: string, message: string, more: Readonly<Record<string, unknown>> = {}): Outcome {
  const next = typeof more['next'] === 'string' ? `. ${more['next']}` : ''
  return { isError: true, structured: { code, message, ...more }, text: `${message} (${code})${next}`, code }
}

/** Without what is attached: a write's answer is its data. */
export function stored({ isError, structured, text }: Outcome): StoredOutcome {
  return { isError, structured, text }
}
