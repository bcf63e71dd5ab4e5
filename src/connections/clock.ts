import { clockDifference } from '../http/clock.ts'
import { ConnectionError } from './errors.ts'

/**
 * Where a server refuses a sign-in and its clock is not ours, that is why.
 * @param now epoch milliseconds
 */
export function clockFault(response: Response, title: string, now: number): ConnectionError | undefined {
  const difference = response.status === 401 ? clockDifference(response, now) : undefined
  if (difference === undefined) return undefined
  const { minutes, side } = difference
  return new ConnectionError(
    'clock_wrong',
    `The clock of this machine is ${minutes} min ${side === 'ahead' ? 'ahead of' : 'behind'} that of ${title}, so your sign-in is not accepted there. Set the clock of this machine right, then try again.`,
  )
}
