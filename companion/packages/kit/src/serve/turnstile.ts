import type { ServerResponse } from 'node:http'
import type { Presented } from '../identity/authenticator.ts'
import { AuthError } from '../tokens/auth-error.ts'
import { type Admission, AdmissionError } from './admission.ts'
import { type Arrival, shareOf } from './arrival.ts'
import type { FailureLimit } from './failure-limit.ts'
import type { Refusal } from './refusal-audit.ts'

export interface Turnstile {
  /**
   * Before a token is looked at; call what is returned with what kept the caller from being authenticated, or with nothing. A token that was
   * found good before passes always: a stranger at the same address cannot keep people out.
   * @throws AdmissionError
   */
  look(presented: Pick<Presented, 'sender' | 'known'>): (error?: unknown) => void
  /**
   * Lets an authenticated request in once there is a place for what it asks. The place is given back when the call ends
   * (`arrival.leave`), or when the response is closed.
   * @throws AdmissionError, which is in the audit by then; the reason of `gone` when the client goes away meanwhile
   */
  pass(arrival: Arrival, body: unknown, response: ServerResponse, gone: AbortSignal): Promise<void>
  /** Counts the request among the open ones of its caller, until its response is closed. @throws AdmissionError, as `pass` does */
  open(arrival: Arrival, response: ServerResponse): Promise<void>
}

export interface TurnstileOptions {
  readonly admission: Admission
  readonly failures: FailureLimit
  readonly auditRefusal: (refusal: Refusal) => Promise<void>
}

/** A stream that stands open for news; it runs nothing. */
const STANDING = 'subscriptions/listen'

/** What the endpoint asks before it does work for anybody. */
export function createTurnstile({ admission, failures, auditRefusal }: TurnstileOptions): Turnstile {
  async function audited<T>(arrival: Arrival, tool: string | undefined, take: () => T | Promise<T>): Promise<T> {
    try {
      return await take()
    } catch (error) {
      if (error instanceof AdmissionError)
        await auditRefusal({ ...arrival, code: error.code, message: error.message, tool })
      throw error
    }
  }

  return {
    look({ sender, known }) {
      if (known) return () => undefined
      const giveBack = failures.take(sender)
      return (error) => {
        if (!(error instanceof AuthError) || error.status === 503) giveBack()
      }
    },
    async open(arrival, response) {
      const leave = await audited(arrival, undefined, () => admission.open(shareOf(arrival.caller)))
      whenClosed(response, leave)
    },
    async pass(arrival, body, response, gone) {
      const { method, tool } = requestOf(body)
      if (method === undefined || method === STANDING) return
      arrival.leave = await audited(arrival, tool, () => admission.enter(shareOf(arrival.caller), gone))
      whenClosed(response, arrival.leave)
    },
  }
}

function whenClosed(response: ServerResponse, then: () => void): void {
  if (response.closed) then()
  else response.once('close', then)
}

/** Nothing for notifications and answers to the server's own requests: they must reach a call that runs. */
function requestOf(body: unknown): { method?: string; tool?: string } {
  if (typeof body !== 'object' || body === null || !('method' in body) || !('id' in body)) return {}
  if (typeof body.method !== 'string') return {}
  const params = 'params' in body ? body.params : undefined
  const named = typeof params === 'object' && params !== null && 'name' in params ? params.name : undefined
  return { method: body.method, ...(typeof named === 'string' && { tool: named }) }
}
