import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { GatehouseError } from '@gatehouse/contracts'

export interface ListenOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** How long `stop` lets requests in flight finish, milliseconds. Default 10,000. */
  readonly drain?: number
}

export interface Listening {
  /** `http://HOST:PORT` as it can be reached from this machine. */
  readonly url: string
  readonly port: number
  /** Takes no new request, lets those in flight finish, then closes what is left. */
  stop(): Promise<void>
}

/**
 * Serves HTTP with bounded headers and times.
 * @throws GatehouseError `port_in_use`, `listen_failed`
 */
export async function listen(handler: RequestListener, options: ListenOptions): Promise<Listening> {
  let draining = false
  const server = createServer(
    { maxHeaderSize: 32 * 1024, requestTimeout: 60_000, headersTimeout: 15_000 },
    (request, response) => {
      if (draining) response.setHeader('Connection', 'close')
      // A connection that was busy when the drain began would otherwise be kept alive for seconds after its answer.
      response.once('close', () => draining && setImmediate(() => server.closeIdleConnections()))
      handler(request, response)
    },
  )
  server.listen(options.port, options.host)
  try {
    await once(server, 'listening')
  } catch (cause) {
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
