import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { IdentityError } from './errors.ts'

/** How long requests in flight may take to end when the provider stops, milliseconds. */
const DRAIN = 2_000

export interface Listener {
  readonly port: number
  /** Until this is called every request gets 503: the issuer is only known once the port is. */
  handle(listener: RequestListener): void
  close(): Promise<void>
}

/** @throws IdentityError `port_in_use`, `listen_failed` */
export async function listen(host: string, port: number): Promise<Listener> {
  let handler: RequestListener = (_request, response) => void response.writeHead(503).end()
  const server = createServer({ maxHeaderSize: 16 * 1024, requestTimeout: 30_000 }, (request, response) =>
    handler(request, response),
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const code = cause.code === 'EADDRINUSE' ? 'port_in_use' : 'listen_failed'
      const why = cause.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${cause.code ?? cause.message})`
      reject(new IdentityError(code, `port ${port} on ${host} ${why}`, { cause }))
    })
    server.listen(port, host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    handle: (listener) => {
      handler = listener
    },
    close: () => drain(server),
  }
}

async function drain(server: Server): Promise<void> {
  const timer = setTimeout(() => server.closeAllConnections(), DRAIN)
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })
  clearTimeout(timer)
}
