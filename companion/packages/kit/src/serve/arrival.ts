import type { Caller } from '@gatehouse/contracts'
import type { AuthInfo } from '@modelcontextprotocol/server'
import type { Leave } from './admission.ts'

/** What is known of an HTTP request before its method runs. It travels through the SDK in place of the token, which goes no further. */
export class Arrival {
  /** Gives back the place among the running calls that this request has; the end of its call calls it. */
  leave: Leave = () => undefined

  constructor(
    readonly caller: Caller,
    /** Remote address as the transport saw it. */
    readonly from: string | undefined,
    /** Milliseconds since the epoch. */
    readonly startedAt: number,
  ) {}
}

export function authInfoOf(arrival: Arrival): AuthInfo {
  const { caller } = arrival
  return {
    token: '',
    clientId: caller.kind === 'user' ? caller.client : caller.spiffeId,
    scopes: [],
    extra: { arrival },
  }
}

/** By which a caller's share of the server is counted: one person in one client, or one workload. */
export function shareOf(caller: Caller): string {
  return JSON.stringify(caller.kind === 'user' ? [caller.subject, caller.client] : [caller.spiffeId])
}

/** What must be the same for a request that goes on with what an earlier one began. */
export function identityOf(caller: Caller): { readonly [name: string]: string | null } {
  if (caller.kind === 'workload') return { workload: caller.spiffeId }
  const { subject, client, keyThumbprint = null } = caller
  return { subject, client, keyThumbprint }
}

/** @throws TypeError for a request that did not come through authentication: nothing runs without a caller */
export function arrivalOf(authInfo: AuthInfo | undefined): Arrival {
  const arrival = authInfo?.extra?.['arrival']
  if (!(arrival instanceof Arrival)) throw new TypeError('the request has no authenticated caller')
  return arrival
}
