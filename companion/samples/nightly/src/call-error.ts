import { GatehouseError } from '@gatehouse/contracts'

/** `call_failed` for what may pass, such as a network that is down; `call_refused` for what will not. */
export class CallError extends GatehouseError {
  constructor(
    override readonly code: 'call_failed' | 'call_refused',
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options)
  }
}
