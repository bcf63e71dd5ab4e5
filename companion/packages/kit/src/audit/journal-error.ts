import { GatehouseError } from '@gatehouse/contracts'

/**
 * An event that could not be made durable, so what it tells of must not be answered: `journal_full` (the registry has not acknowledged for
 * too long), `journal_unwritable` (the disk), `journal_closed` (the server stops).
 */
export class JournalError extends GatehouseError {
  constructor(
    override readonly code: 'journal_full' | 'journal_unwritable' | 'journal_closed',
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options)
  }
}
