import { GatehouseError } from '@gatehouse/contracts'

/**
 * The person or the asker: `cancelled`, `channel_broken`, `disposed`.
 * Access: `not_signed_in`, `server_not_allowed`, `tool_not_allowed`, `tool_not_offered`, `prompt_not_allowed`, `prompt_not_offered`,
 * `resource_not_allowed`, `resource_not_offered`, `surface_mismatch`, `surface_too_large`, `surface_unsettled`, `tool_refused`.
 * The network: `server_unreachable` (nothing was sent), `server_disconnected` and `server_timeout` (it may have run), `server_refused`
 * (401 or 403), `clock_wrong`, `server_session_lost`, `server_error`, `server_moved`, `server_busy` and `request_too_large` (nothing ran), `result_invalid`,
 * `page_required` (nothing ran).
 * Approval: `arguments_invalid`, `proposal_invalid`, `proposal_mismatch`, `approval_not_enforced`, `approval_rejected`, `approval_withdrawn`,
 * `approval_expired`, `outcome_unknown`.
 * An outcome may also carry `call_failed` (unforeseen), a code of plans/errors.ts or session/errors.ts, or the server's own.
 */
export type ConnectionErrorCode =
  | 'cancelled'
  | 'channel_broken'
  | 'disposed'
  | 'not_signed_in'
  | 'server_not_allowed'
  | 'tool_not_allowed'
  | 'tool_not_offered'
  | 'prompt_not_allowed'
  | 'prompt_not_offered'
  | 'resource_not_allowed'
  | 'resource_not_offered'
  | 'surface_mismatch'
  | 'surface_too_large'
  | 'surface_unsettled'
  | 'tool_refused'
  | 'server_unreachable'
  | 'server_disconnected'
  | 'server_timeout'
  | 'server_refused'
  | 'clock_wrong'
  | 'server_session_lost'
  | 'server_error'
  | 'server_busy'
  | 'server_moved'
  | 'request_too_large'
  | 'result_invalid'
  | 'page_required'
  | 'arguments_invalid'
  | 'proposal_invalid'
  | 'proposal_mismatch'
  | 'approval_not_enforced'
  | 'approval_rejected'
  | 'approval_withdrawn'
  | 'approval_expired'
  | 'outcome_unknown'

/** The message is fit for a person and for a model: it says what happened and what to do, in our words, never a server's. */
export class ConnectionError extends GatehouseError {
  declare readonly code: ConnectionErrorCode
  constructor(code: ConnectionErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

/** Reason to abort a `ToolCall` with when whoever asked is gone, as opposed to having cancelled. */
export function channelBroken(): ConnectionError {
  return new ConnectionError('channel_broken', 'The chat that asked for this has ended.')
}

export function isChannelBroken(reason: unknown): boolean {
  return reason instanceof ConnectionError && reason.code === 'channel_broken'
}
