/** What one HTTP listener bears. Sizes in bytes, times in milliseconds. */
export interface HttpLimits {
  /** Request line and headers of one request together; beyond it the answer is 431 `headers_too_large`. */
  readonly headers: number
  /** How long a client may take to send its headers; then the answer is 408 `request_too_slow`. */
  readonly headersTime: number
  /** How long it may take for a whole request, body included; then the answer is 408 `request_too_slow`. */
  readonly requestTime: number
  /** How long a client may leave an answer unread, without taking any of it, before its connection is closed. */
  readonly unreadTime: number
  /** Most that may wait on one connection for a client that does not read. */
  readonly unread: number
  /** Open connections; those beyond are answered 503 `too_many_connections`, and beyond a few more not at all. */
  readonly connections: number
  /** Of these, most from one address; an edge in front keeps few connections and reuses them. */
  readonly connectionsPerAddress: number
  /** Requests and streams that are open at once; beyond it the answer is 503 `too_many_requests`. */
  readonly requests: number
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  headers: 32 * 1024,
  headersTime: 15_000,
  requestTime: 60_000,
  unreadTime: 30_000,
  unread: 4 * 1024 * 1024,
  connections: 2_000,
  connectionsPerAddress: 1_000,
  requests: 1_000,
}
