import type { IncomingMessage, ServerResponse } from 'node:http'
import { readRegistration } from './client-registration.ts'
import { readBody } from './body.ts'
import { IdentityError } from './errors.ts'
import { isLoopbackAddress, isLoopbackHost } from './loopback.ts'
import type { Store } from './store.ts'

export const REGISTRATION_PATH = '/register'

/** Registrations within `PERIOD` at most, whoever asks: all of them come from this machine. */
const RATE = 30
/** Milliseconds. */
const PERIOD = 60_000

export type RegistrationEndpoint = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** Whether clients may register themselves at all: only at a provider that is itself reached on this machine. */
export function offersRegistration(issuer: string): boolean {
  return isLoopbackHost(new URL(issuer).hostname)
}

/**
 * Dynamic client registration (RFC 7591), so that MCP clients which nobody configured, such as VS Code's own, can be tried against the
 * local stack. From this machine alone, and not through a proxy, which would speak for others.
 */
export function createRegistrationEndpoint(
  issuer: string,
  store: Pick<Store, 'registerClient'>,
  now: () => number = Date.now,
): RegistrationEndpoint {
  let recent: number[] = []

  return async (request, response) => {
    if (!fromThisMachine(request, issuer)) {
      return answer(response, 403, {
        error: 'access_denied',
        error_description: 'clients register themselves from the machine of this provider alone',
      })
    }
    recent = recent.filter((at) => at > now() - PERIOD)
    if (recent.length >= RATE) {
      response.setHeader('Retry-After', String(PERIOD / 1000))
      return answer(response, 429, { error: 'temporarily_unavailable', error_description: 'too many registrations' })
    }
    recent.push(now())
    const registration = await register(request)
    if (registration.kind === 'problem') return answer(response, 400, registration.problem)
    store.registerClient(registration.metadata)
    answer(response, 201, { ...registration.metadata, client_id_issued_at: Math.floor(now() / 1000) })
  }
}

async function register(request: IncomingMessage): Promise<ReturnType<typeof readRegistration>> {
  try {
    return readRegistration(await readBody(request, 'application/json'))
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error
    return { kind: 'problem', problem: { error: 'invalid_client_metadata', error_description: error.message } }
  }
}

/** A page of another site is not: it would say its origin, also where its name was made to lead here (DNS rebinding). */
function fromThisMachine(request: IncomingMessage, issuer: string): boolean {
  const { origin, forwarded, 'x-forwarded-for': forwardedFor } = request.headers
  return (
    isLoopbackAddress(request.socket.remoteAddress) &&
    forwarded === undefined &&
    forwardedFor === undefined &&
    (origin === undefined || origin === issuer)
  )
}

function answer(response: ServerResponse, status: number, body: object): void {
  response
    .writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
    .end(JSON.stringify(body))
}
