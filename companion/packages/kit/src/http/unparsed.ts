import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** How long the rest of a request is still read after its refusal, milliseconds. */
const LINGER = 1_000

/** What Node's parser says, and how a client is told. */
const REFUSALS: Readonly<Record<string, readonly [status: number, code: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'headers_too_large', 'the headers are too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'body_too_large', 'the extensions of a chunk are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'request_too_slow', 'the request took too long to arrive'],
}
const MALFORMED = [400, 'http_malformed', 'this is not HTTP/1.1'] as const
/** Nothing was sent that anybody could have meant: a connection that a client opened ahead, or one that is slow. */
const SLOW = 'ERR_HTTP_REQUEST_TIMEOUT'

/** What is refused before it is a request. */
export interface Unparsed {
  readonly code: string
  readonly message: string
  /** Remote address. */
  readonly from: string | undefined
}

/**
 * Answers what never became a whole request. A client that still sends must get to read its answer: a socket closed on unread data is reset,
 * and the answer lost with it (RFC 9112 section 9.6). So the rest is read and dropped for a moment.
 * @param tell of each, but for what was part of a request that has its own end
 */
export function createUnparsedAnswer(
  tell: (refused: Unparsed) => void = () => undefined,
): (error: NodeJS.ErrnoException, socket: Duplex) => void {
  const refused = new WeakSet<Duplex>()
  return (error, socket) => {
    // The parser complains again of every piece that follows.
    if (refused.has(socket)) return
    refused.add(socket)
    if (error.code === 'ECONNRESET' || !socket.writable || hasBegunAnswer(socket)) return void socket.destroy()
    const [status, code, message] = REFUSALS[error.code ?? ''] ?? MALFORMED
    if (error.code !== SLOW && !responseOf(socket))
      tell({ code, message, from: (socket as Partial<Socket>).remoteAddress })
    const body = JSON.stringify({ code, message })
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n` +
        `Connection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
    const linger = setTimeout(() => socket.destroy(), LINGER)
    linger.unref()
    socket.once('close', () => clearTimeout(linger))
  }
}

/** Whether an answer to the request is under way on the wire: a second one in its middle would be read as part of the first. */
function hasBegunAnswer(socket: Duplex): boolean {
  const response = responseOf(socket)
  return response !== undefined && 'headersSent' in response && response.headersSent === true
}

/** Of the request that Node is serving on it. */
function responseOf(socket: Duplex): object | undefined {
  const response = '_httpMessage' in socket ? socket._httpMessage : undefined
  return typeof response === 'object' && response !== null ? response : undefined
}
