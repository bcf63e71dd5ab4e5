import { ConnectionError } from './errors.ts'

/** Longest wait that a server's word is taken for, milliseconds. */
const LONGEST = 300_000
/** Where a server that sends too many away names no time, milliseconds. */
const USUAL = 5000

/**
 * How long a server asks to be left alone (RFC 9110 section 10.2.3, seconds or a date), milliseconds; `undefined` where the answer says
 * nothing of the kind.
 * @param now epoch milliseconds
 */
export function busyFor(response: Response, now: number): number | undefined {
  const { status, headers } = response
  const after = headers.get('retry-after')
  if (status !== 429 && !(status === 503 && after !== null)) return undefined
  if (after === null) return USUAL
  const wait = /^\d{1,9}$/.test(after) ? Number(after) * 1000 : Date.parse(after) - now
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), LONGEST) : USUAL
}

/** The server sent the request away before any effect, and is left alone until `until`, as `now` in epoch milliseconds. */
export function busyError(title: string, until: number, now: number): ConnectionError {
  const seconds = Math.max(1, Math.ceil((until - now) / 1000))
  return new ConnectionError('server_busy', `${title} is busy. Nothing ran. Try again in ${seconds} s.`)
}
