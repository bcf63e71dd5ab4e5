import { GatehouseError } from '@gatehouse/contracts'

/**
 * Events did not arrive: `audit_unreachable` (no answer), `audit_invalid` (the registry will never take these), or `audit_refused` (any other
 * answer than 2xx; `status` says which).
 */
export class ShipError extends GatehouseError {
  constructor(
    override readonly code: 'audit_unreachable' | 'audit_invalid' | 'audit_refused',
    message: string,
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super(code, message, options)
  }
}
