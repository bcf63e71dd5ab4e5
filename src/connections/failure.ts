import { GatehouseError } from '@gatehouse/contracts'
import { ProtocolError, SdkError, SdkErrorCode, SdkHttpError } from '@modelcontextprotocol/client'
import { ConnectionError, type ConnectionErrorCode } from './errors.ts'

/** System codes (Node, undici) of a connection that never came to be, so that nothing was sent. */
const NEVER_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])

/** Codes of a connection that was there and broke. */
const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/** What a failed exchange with a server means, with a message of our own: the text of an error may be the server's. */
export function failureOf(error: unknown, title: string): GatehouseError {
  const ours = find(error, (item) => item instanceof GatehouseError)
  if (ours instanceof GatehouseError) return ours
  const http = find(error, (item) => item instanceof SdkHttpError)
  if (http instanceof SdkHttpError) return httpFailure(http, title, error)
  const system = find(error, (item) => 'code' in item && NEVER_CONNECTED.has(String(item.code)))
  if (system) {
    return failure('server_unreachable', `${title} cannot be reached. Nothing was sent.`, error)
  }
  if (find(error, (item) => 'code' in item && BROKEN.has(String(item.code)))) {
    return failure('server_disconnected', `${title} broke the connection.`, error)
  }
  if (error instanceof SdkError) {
    const code = error.code
    if (code === SdkErrorCode.RequestTimeout)
      return failure(
        'server_timeout',
        `${title} does not answer. The call may have run, so check before repeating a change. Try again later, or ask in its support channel.`,
        error,
      )
    if (
      code === SdkErrorCode.ConnectionClosed ||
      code === SdkErrorCode.NotConnected ||
      code === SdkErrorCode.SendFailed
    ) {
      return failure('server_disconnected', `The connection to ${title} broke.`, error)
    }
    if (code === SdkErrorCode.EraNegotiationFailed) {
      return failure('server_unreachable', `${title} did not answer as an MCP server. Tell its owner.`, error)
    }
    if (code === SdkErrorCode.ListPaginationExceeded) {
      return failure('surface_too_large', `${title} lists without end, so it is not used. Tell its owner.`, error)
    }
    if (code === SdkErrorCode.InputRequiredRoundsExceeded) {
      return failure('result_invalid', `${title} goes on asking questions instead of answering. Tell its owner.`, error)
    }
    return unreadable(title, error)
  }
  if (isUnreadable(error)) return unreadable(title, error)
  if (error instanceof ProtocolError)
    return failure('server_error', `${title} did not accept the request (code ${error.code}).`, error)
  return failure('server_disconnected', `The exchange with ${title} failed.`, error)
}

/** What the SDK throws for an answer that is not JSON, or not JSON-RPC; it has no class of its own for them. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof Error && ['SyntaxError', 'ZodError', '$ZodError'].includes(error.name)
}

export function unreadable(title: string, cause: unknown): ConnectionError {
  return failure('result_invalid', `${title} answered in a form that is not valid MCP. Tell its owner.`, cause)
}

/** Nothing has run: the request was not sent, or was refused before any effect. */
export function neverRan(error: GatehouseError): boolean {
  return ['server_unreachable', 'server_refused', 'server_session_lost'].includes(error.code)
}

/** Another try over a new connection may do better. */
export function isTransient(error: GatehouseError): boolean {
  return neverRan(error) || error.code === 'server_disconnected'
}

function httpFailure(error: SdkHttpError, title: string, cause: unknown): ConnectionError {
  const status = error.status
  if (status >= 300 && status < 400) {
    const words = `${title} sends elsewhere (HTTP ${status}), which is not followed. Tell its owner.`
    return failure('server_moved', words, cause)
  }
  if (status === 401) return failure('server_refused', `${title} did not accept the sign-in (HTTP 401).`, cause)
  if (status === 403)
    return failure(
      'server_refused',
      `${title} does not let you in (HTTP 403). Refresh the servers to see why, or ask in its support channel.`,
      cause,
    )
  // A 404 or 400 on a session that was good is a server that has been restarted (MCP 2025-11-25, transports, session management).
  if (status === 404 || status === 400) {
    return failure('server_session_lost', `${title} no longer knows this session (HTTP ${status}).`, cause)
  }
  if (status === 413) {
    const words = `${title} does not take so much at once (HTTP 413). Nothing ran. Ask for less, or in parts.`
    return failure('request_too_large', words, cause)
  }
  if (status === 502 || status === 503 || status === 504) {
    return failure('server_error', `${title} is not available at the moment (HTTP ${status}).`, cause)
  }
  return failure('server_error', `${title} failed (HTTP ${status}).`, cause)
}

function failure(code: ConnectionErrorCode, message: string, cause: unknown): ConnectionError {
  return new ConnectionError(code, message, { cause })
}

/** Looks through `cause`, where Node's fetch and the SDK both keep what really happened. */
function find(error: unknown, matches: (item: Error) => boolean): Error | undefined {
  for (let item = error, depth = 0; item instanceof Error && depth < 8; depth++) {
    if (matches(item)) return item
    item = item.cause ?? (item instanceof SdkError ? causeInData(item.data) : undefined)
  }
  return undefined
}

function causeInData(data: unknown): unknown {
  return typeof data === 'object' && data !== null && 'cause' in data ? data.cause : undefined
}
