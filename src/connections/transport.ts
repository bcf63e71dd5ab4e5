import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client'

/** Least time before a broken stream is taken up again, whatever the server says, milliseconds. */
const LEAST_RECONNECT = 250

/** Streamable HTTP to one server; `send` adds the token and bounds what comes. */
export function transportTo(url: string, send: typeof fetch): StreamableHTTPClientTransport {
  return new StreamableHTTPClientTransport(new URL(url), {
    fetch: send,
    reconnectionScheduler: (reconnect, delay) => {
      const soon = setTimeout(reconnect, Math.max(delay, LEAST_RECONNECT))
      return () => clearTimeout(soon)
    },
    onInsufficientScope: 'throw',
    reconnectionOptions: {
      initialReconnectionDelay: 500,
      reconnectionDelayGrowFactor: 2,
      maxReconnectionDelay: 10_000,
      maxRetries: 5,
    },
  })
}
