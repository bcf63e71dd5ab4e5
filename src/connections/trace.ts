import { randomBytes } from 'node:crypto'

/** W3C Trace Context, version 00. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** The caller's trace where it sent a well-formed one, else a new one, sampled. */
export function traceOf(traceparent: string | undefined): string {
  if (traceparent !== undefined && TRACEPARENT.test(traceparent)) return traceparent
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`
}
