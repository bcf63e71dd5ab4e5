import { type ApprovalRefusal, GatehouseError } from '@gatehouse/contracts'

/** A call that needs an approval and does not carry a good one. The code is one of `ApprovalRefusal`. */
export class ApprovalError extends GatehouseError {
  constructor(
    override readonly code: ApprovalRefusal,
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options)
  }
}
