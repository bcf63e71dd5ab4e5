import { once } from 'node:events'
import { createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A proxy that adds a token, for clients that cannot sign in. It passes everything else on as it comes, streams in both directions too. */
export interface AuthProxy {
  readonly url: string
  /** Where requests go from now on, with this token. */
  forward(target: string, token: string): void
  stop(): Promise<void>
}

export async function startAuthProxy(): Promise<AuthProxy> {
  let target: URL | undefined
  let token = ''
  const server = createServer((incoming, outgoing) => {
    if (target) pass(incoming, outgoing, target, token, port)
    else outgoing.writeHead(503).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://localhost:${port}`,
    forward(to, with_) {
      target = new URL(to)
      token = with_
    },
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function pass(incoming: IncomingMessage, outgoing: ServerResponse, target: URL, token: string, port: number): void {
  const { host = '', ...headers } = incoming.headers
  const own = [`localhost:${port}`, `127.0.0.1:${port}`].includes(host)
  const request = httpRequest(
    {
      hostname: target.hostname,
      port: target.port,
      path: incoming.url,
      method: incoming.method,
      // Another name than the proxy's own is for the server to refuse.
      headers: { ...headers, host: own ? target.host : host, authorization: `Bearer ${token}` },
      setHost: false,
    },
    (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers)
      outgoing.flushHeaders()
      response.pipe(outgoing)
    },
  )
  request.once('error', () => (outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(502).end()))
  outgoing.once('close', () => request.destroy())
  incoming.pipe(request)
}
