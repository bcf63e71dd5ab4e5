import type { Ship } from './courier.ts'
import { ShipError } from './ship-error.ts'

export interface ShipperOptions {
  /** Origin of the registry. */
  readonly registry: string
  /** The intake token that the registry gave to this server. */
  readonly token: string
  readonly fetch?: typeof fetch
  /** Milliseconds. Default 10,000. */
  readonly timeoutMs?: number
}

/** The answers that are about what was sent: they will be the same tomorrow. */
const INVALID: ReadonlySet<number> = new Set([400, 413, 422])

/** Ships events to the registry's intake, `POST /gatehouse/v1/audit`, which takes each id once. The promise rejects with a ShipError. */
export function createShipper(options: ShipperOptions): Ship {
  const { registry, token, timeoutMs = 10_000 } = options
  const send = options.fetch ?? fetch
  const url = new URL('/gatehouse/v1/audit', registry)
  return async (events) => {
    const response = await send(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ events }),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((cause: unknown) => {
      throw new ShipError('audit_unreachable', 'the registry does not answer', undefined, { cause })
    })
    // Read to its end: a body that is cancelled costs its connection.
    await response.arrayBuffer().catch(() => undefined)
    if (!response.ok) {
      const code = INVALID.has(response.status) ? 'audit_invalid' : 'audit_refused'
      throw new ShipError(code, `the registry answered ${response.status}`, response.status)
    }
  }
}
