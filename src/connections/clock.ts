import { ConnectionError } from './errors.ts'

/** Servers take a proof that is so far from their own time, seconds. */
const TOLERATED = 60

/**
 * Where a server refuses a sign-in and its clock is not ours, that is why (RFC 9449 section 11.1): told by the `Date` of its answer.
 * @param now epoch milliseconds
 */
export function clockFault(response: Response, title: string, now: number): ConnectionError | undefined {
  const date = response.status === 401 ? Date.parse(response.headers.get('date') ?? '') : Number.NaN
  const ahead = Math.round((now - date) / 1000)
  if (!Number.isFinite(ahead) || Math.abs(ahead) <= TOLERATED) return undefined
  const minutes = Math.max(1, Math.round(Math.abs(ahead) / 60))
  return new ConnectionError(
    'clock_wrong',
    `The clock of this machine is ${minutes} min ${ahead > 0 ? 'ahead of' : 'behind'} that of ${title}, so your sign-in is not accepted there. Set the clock of this machine right, then try again.`,
  )
}
