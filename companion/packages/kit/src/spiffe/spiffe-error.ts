import { GatehouseError } from '@gatehouse/contracts'

export type SpiffeCode = 'svid_invalid' | 'svid_expired' | 'svid_unavailable' | 'workload_api_failed'

/** A workload that could not be authenticated, or an identity of our own that is not to be had. */
export class SpiffeError extends GatehouseError {
  constructor(
    override readonly code: SpiffeCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options)
  }
}
