import { GatehouseError } from '@gatehouse/contracts'
import type { Ship } from './courier.ts'

export interface ShipperOptions {
  /** Origin of the registry. */
  readonly registry: string
  /** The intake token that the registry gave to this server. */
  readonly token: string
  readonly fetch?: typeof fetch
  /** Milliseconds. Default 10,000. */
  readonly timeoutMs?: number
}

/** `audit_unreachable` (no answer) or `audit_refused` (an answer other than 2xx; `status` says which). */
class ShipError extends GatehouseError {
  constructor(
    override readonly code: 'audit_unreachable' | 'audit_refused',
    message: string,
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super(code, message, options)
  }
}

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
    await response.body?.cancel()
    if (!response.ok) {
      throw new ShipError('audit_refused', `the registry answered ${response.status}`, response.status)
    }
  }
}
