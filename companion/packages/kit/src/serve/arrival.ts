import type { UserCaller } from '@gatehouse/contracts'
import type { AuthInfo } from '@modelcontextprotocol/server'
import type { Leave } from './admission.ts'

/** What is known of an HTTP request before its method runs. It travels through the SDK in place of the token, which goes no further. */
export class Arrival {
  /** Gives back the place among the running calls that this request has; the end of its call calls it. */
  leave: Leave = () => undefined

  constructor(
    readonly caller: UserCaller,
    /** Remote address as the transport saw it. */
    readonly from: string | undefined,
    /** Milliseconds since the epoch. */
    readonly startedAt: number,
  ) {}
}

export function authInfoOf(arrival: Arrival): AuthInfo {
  return { token: '', clientId: arrival.caller.client, scopes: [], extra: { arrival } }
}

/** @throws TypeError for a request that did not come through authentication: nothing runs without a caller */
export function arrivalOf(authInfo: AuthInfo | undefined): Arrival {
  const arrival = authInfo?.extra?.['arrival']
  if (!(arrival instanceof Arrival)) throw new TypeError('the request has no authenticated caller')
  return arrival
}
