import type { RequestListener, Server, ServerOptions, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { GatehouseError } from '@gatehouse/contracts'
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from './limits.ts'
import { Running } from './running.ts'
import { createUnparsedAnswer, type Unparsed } from './unparsed.ts'
import { watchReaders } from './unread.ts'

export interface IntakeOptions {
  /** How long `stop` lets requests in flight finish, milliseconds. Default 10,000. */
  readonly drain?: number | undefined
  readonly limits?: Partial<HttpLimits> | undefined
  /** Paths that are answered however full the server is, such as that of the liveness probe. */
  readonly always?: readonly string[] | undefined
  /** Is told what is refused before it is a request. */
  readonly unparsed?: ((refused: Unparsed) => void) | undefined
}

/** What all listeners of one server share: its limits, the requests in flight, and its end. */
export interface Intake {
  readonly limits: HttpLimits
  /** For Node's own server. */
  readonly settings: ServerOptions
  /** The same where an edge may be at the other end: it repeats claims of the token in headers of its own, so what it took in one piece comes in two. */
  readonly edgeSettings: ServerOptions
  /** The same handler, within the limits. */
  within(handler: RequestListener): RequestListener
  /** Answers what never became a request: Node's `clientError`. */
  readonly unparsed: ReturnType<typeof createUnparsedAnswer>
  /** Counts a connection, whatever is spoken on it. @returns false for one that is too many; `crowded` says so to HTTP */
  count(socket: Socket): boolean
  /** From now on such a connection is answered that there are too many. */
  crowded(socket: Socket): void
  /** Closes it if its client does not read what it is sent. */
  watch(socket: Socket): void
  /**
   * Has a server end when the others do.
   * @throws GatehouseError `port_in_use`, `listen_failed`, naming `where`
   */
  open(server: Server, at: { port: number; host: string } | { path: string }, where: string): Promise<void>
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
export const SURPLUS = 64

export function createIntake(options: IntakeOptions = {}): Intake {
  const limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits }
  const always = new Set(options.always ?? [])
  const servers: Server[] = []
  const sockets = new Set<Socket>()
  const readers = new Set<Socket>()
  const surplus = new WeakSet<Socket>()
  const answering = new WeakMap<Socket, ServerResponse>()
  const ending = new WeakSet<Socket>()
  const ofAddress = new Map<string, number>()
  const open = new Running()
  const endWatch = watchReaders(readers, limits)
  let draining = false
  let stopping: Promise<void> | undefined

  async function stop(): Promise<void> {
    const deadline = setTimeout(() => {
      for (const server of servers) server.closeAllConnections()
      // Those too on which nothing was said yet.
      for (const socket of sockets) socket.destroy()
    }, options.drain ?? 10_000)
    await Promise.all(servers.map(closed))
    clearTimeout(deadline)
    endWatch()
  }

  const settings: ServerOptions = {
    maxHeaderSize: limits.headers,
    headersTimeout: Math.min(limits.headersTime, limits.requestTime),
    requestTimeout: limits.requestTime,
    // How often Node looks whether the two are over.
    connectionsCheckingInterval: Math.min(1_000, Math.max(20, limits.headersTime / 4)),
  }

  return {
    limits,
    settings,
    edgeSettings: { ...settings, maxHeaderSize: 2 * limits.headers },
    unparsed: createUnparsedAnswer(options.unparsed),
    within: (handler) => (request, response) => {
      const { socket } = request
      // Pipelined requests would each take a place for one connection, and Node forgets them when it closes. A client has to be ready to send
      // them again (RFC 9112 section 9.3.2). One that comes when the answer before it is complete was not sent ahead: its last bytes may be on
      // their way, as they are under TLS when a client already has them all.
      const before = answering.get(socket)
      if (before && !before.writableEnded) return void ending.add(socket)
      answering.set(socket, response)
      const end = open.begin()
      response.once('close', () => {
        end()
        if (answering.get(socket) === response) answering.delete(socket)
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
    count(socket) {
      // All that come over a Unix socket come from the edge, which has no address.
      const address = socket.remoteAddress
      const sameAddress = address === undefined ? 0 : (ofAddress.get(address) ?? 0) + 1
      sockets.add(socket)
      if (address !== undefined) ofAddress.set(address, sameAddress)
      socket.once('close', () => {
        sockets.delete(socket)
        if (address === undefined) return
        const left = (ofAddress.get(address) ?? 0) - 1
        if (left > 0) ofAddress.set(address, left)
        else ofAddress.delete(address)
      })
      if (sockets.size > limits.connections + SURPLUS || sameAddress > limits.connectionsPerAddress + SURPLUS)
        socket.destroy()
      return sockets.size <= limits.connections && sameAddress <= limits.connectionsPerAddress
    },
    crowded: (socket) => void surplus.add(socket),
    watch(socket) {
      readers.add(socket)
      socket.once('close', () => readers.delete(socket))
    },
    async open(server, at, where) {
      await listening(server, at, where)
      servers.push(server)
    },
    drain() {
      draining = true
    },
    connections: () => sockets.size,
    requests: () => open.count,
    settled: (time) => open.settled(time),
    stop() {
      draining = true
      stopping ??= stop()
      return stopping
    },
  }
}

function listening(server: Server, at: { port: number; host: string } | { path: string }, where: string) {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const failed = (cause: NodeJS.ErrnoException): void => {
    const inUse = cause.code === 'EADDRINUSE'
    reject(
      new GatehouseError(
        inUse ? 'port_in_use' : 'listen_failed',
        inUse ? `${where} is in use by another process` : `cannot listen on ${where}`,
        { cause },
      ),
    )
  }
  server.once('error', failed)
  server.listen(at, () => {
    server.off('error', failed)
    resolve()
  })
  return promise
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })
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
