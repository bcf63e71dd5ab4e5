import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { GatehouseError } from '@gatehouse/contracts'
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from './limits.ts'
import { Running } from './running.ts'
import { createUnparsedAnswer } from './unparsed.ts'
import { watchReaders } from './unread.ts'

export interface ListenOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** How long `stop` lets requests in flight finish, milliseconds. Default 10,000. */
  readonly drain?: number
  readonly limits?: Partial<HttpLimits>
  /** Paths that are answered however full the server is, such as that of the liveness probe. */
  readonly always?: readonly string[]
}

export interface Listening {
  /** `http://HOST:PORT` as it can be reached from this machine. */
  readonly url: string
  readonly port: number
  /** From now on every answer ends its connection, so that clients come back elsewhere; new requests still reach the handler. */
  drain(): void
  /** Connections and requests that are open. */
  readonly connections: () => number
  readonly requests: () => number
  /** Resolves when no request is open, or when the time (milliseconds) is over. */
  settled(time: number): Promise<void>
  /** Takes no new connection, lets requests in flight finish, then closes what is left. */
  stop(): Promise<void>
}

/** Connections beyond the limit that still get an answer; what is beyond these too is dropped. */
const SURPLUS = 64

/**
 * Serves HTTP within limits of size, time and number.
 * @throws GatehouseError `port_in_use`, `listen_failed`
 */
export async function listen(handler: RequestListener, options: ListenOptions): Promise<Listening> {
  const limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits }
  const always = new Set(options.always ?? [])
  const sockets = new Set<Socket>()
  const surplus = new WeakSet<Socket>()
  const busy = new WeakSet<Socket>()
  const ending = new WeakSet<Socket>()
  const ofAddress = new Map<string, number>()
  const open = new Running()
  let draining = false

  const server = createServer(
    {
      maxHeaderSize: limits.headers,
      headersTimeout: Math.min(limits.headersTime, limits.requestTime),
      requestTimeout: limits.requestTime,
      // How often Node looks whether the two are over.
      connectionsCheckingInterval: Math.min(1_000, Math.max(20, limits.headersTime / 4)),
    },
    (request, response) => {
      const { socket } = request
      // Pipelined requests would each take a place for one connection, and Node forgets them when it closes. A client has to be ready to send
      // them again (RFC 9112 section 9.3.2).
      if (busy.has(socket)) return void ending.add(socket)
      busy.add(socket)
      const end = open.begin()
      response.once('close', () => {
        end()
        busy.delete(socket)
        // Its headers may have been sent before the drain began: then it would be kept alive for seconds after its answer.
        if (draining || ending.has(socket)) socket.destroySoon()
      })
      if (draining) response.setHeader('Connection', 'close')
      const path = request.url?.split('?', 1)[0] ?? ''
      if (!always.has(path)) {
        if (surplus.has(socket)) return refuse(response, 'too_many_connections', 'too many connections are open')
        if (open.count > limits.requests) return refuse(response, 'too_many_requests', 'too many requests are open')
      }
      handler(request, response)
    },
  )
  server.maxConnections = limits.connections + SURPLUS
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
    const sameAddress = (ofAddress.get(address) ?? 0) + 1
    sockets.add(socket)
    ofAddress.set(address, sameAddress)
    if (sockets.size > limits.connections || sameAddress > limits.connectionsPerAddress) surplus.add(socket)
    if (sameAddress > limits.connectionsPerAddress + SURPLUS) socket.destroy()
    socket.once('close', () => {
      sockets.delete(socket)
      const left = (ofAddress.get(address) ?? 0) - 1
      if (left > 0) ofAddress.set(address, left)
      else ofAddress.delete(address)
    })
  })
  server.on('clientError', createUnparsedAnswer())
  const endWatch = watchReaders(sockets, limits)
  server.once('close', endWatch)

  server.listen(options.port, options.host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    endWatch()
    const inUse = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
    const where = `${options.host}:${options.port}`
    throw new GatehouseError(
      inUse ? 'port_in_use' : 'listen_failed',
      inUse ? `${where} is in use by another process` : `cannot listen on ${where}`,
      { cause },
    )
  }
  const address = server.address()
  if (address === null || typeof address === 'string') throw new GatehouseError('listen_failed', 'not a TCP address')
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  let stopping: Promise<void> | undefined
  return {
    url: `http://${host}:${address.port}`,
    port: address.port,
    drain() {
      draining = true
    },
    connections: () => sockets.size,
    requests: () => open.count,
    settled: (time) => open.settled(time),
    stop() {
      draining = true
      stopping ??= new Promise((resolve) => {
        const deadline = setTimeout(() => server.closeAllConnections(), options.drain ?? 10_000)
        server.close(() => {
          clearTimeout(deadline)
          resolve()
        })
        server.closeIdleConnections()
      })
      return stopping
    },
  }
}

/** Not for this server now, and said before anything of the request is read. */
function refuse(response: ServerResponse, code: string, message: string): void {
  response
    .writeHead(503, {
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
      'Retry-After': '2',
      Connection: 'close',
    })
    .end(JSON.stringify({ code, message }))
}
