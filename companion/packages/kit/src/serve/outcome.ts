import type { StoredOutcome } from '../approvals/outcome.ts'

/** What a call came to. A refusal or a failure has `structured.code`. */
export interface Outcome {
  readonly isError: boolean
  readonly structured: Record<string, unknown>
  readonly text: string
  /** `ok`, or the stable code: for audit and telemetry. */
  readonly code: string
}

/** A chat shows the text of a failure alone, so what to do next stands there too. */
export function failure(code: string, message: string, more: Readonly<Record<string, unknown>> = {}): Outcome {
  const next = typeof more['next'] === 'string' ? `. ${more['next']}` : ''
  return { isError: true, structured: { code, message, ...more }, text: `${message} (${code})${next}`, code }
}

export function stored({ isError, structured, text }: Outcome): StoredOutcome {
  return { isError, structured, text }
}
