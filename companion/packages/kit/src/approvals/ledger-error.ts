import { GatehouseError } from '@gatehouse/contracts'

/**
 * The ledger could not do what was asked: `ledger_unavailable` (the database did not answer, or refused; the write must not run) or
 * `ledger_unknown_receipt` (an outcome for a receipt that was never consumed, or that has its outcome already).
 */
export class LedgerError extends GatehouseError {
  constructor(
    override readonly code: 'ledger_unavailable' | 'ledger_unknown_receipt',
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options)
  }
}
