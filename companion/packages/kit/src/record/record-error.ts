import { GatehouseError } from '@gatehouse/contracts'

/** Why a server does not serve. `record_invalid`: not signed by the registry, or for another server or URL. */
export type RecordReason =
  | 'record_missing'
  | 'record_expired'
  | 'record_invalid'
  | 'surface_mismatch'
  | 'policy_mismatch'
  | 'suspended'

const RECORD_WORDS: Readonly<Record<RecordReason, string>> = {
  record_missing: 'the registry has no record of this server',
  record_expired: 'the record of this server has expired and could not be renewed',
  record_invalid: 'the record of this server is not one that the registry signed for it',
  surface_mismatch: 'this server is not the one that was reviewed: its tools or instructions differ',
  policy_mismatch: 'this server is not the one that was reviewed: its policy differs',
  suspended: 'this server is suspended',
}

/** The server has no valid record, so it serves nothing. */
export class RecordError extends GatehouseError {
  override readonly code = 'server_not_approved'

  constructor(
    readonly reason: RecordReason,
    options?: ErrorOptions,
  ) {
    super('server_not_approved', RECORD_WORDS[reason], options)
  }
}
