import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SessionError } from '../errors.ts'
import { untilAborted } from '../until-aborted.ts'
import { landingPage } from './landing-page.ts'
import type { Redirect } from './redirect.ts'

const PATH = '/callback'

/**
 * The answer through a port of this machine (RFC 8252 section 7.3): an unused port of 127.0.0.1, one path, GET alone, one answer.
 * @throws SessionError `redirect_unavailable`
 */
export async function loopbackRedirect(): Promise<Redirect> {
  let settle: (parameters: URLSearchParams) => void = () => {}
  const answer = new Promise<URLSearchParams>((resolve) => {
    settle = resolve
  })
  let answered = false
  const server = createServer({ maxHeaderSize: 16 * 1024 }, (request, response) => {
    const parameters = answerOf(request, port)
    if (!parameters) return reply(response, 404, landingPage('nothing'))
    if (answered) return reply(response, 410, landingPage('again'))
    answered = true
    reply(response, 200, landingPage(parameters.has('error') ? 'refused' : 'done'))
    settle(parameters)
  })
  server.requestTimeout = 10_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(new SessionError('redirect_unavailable', { cause })))
    server.listen(0, '127.0.0.1', resolve)
  })
  // A person may take minutes; the editor may quit meanwhile.
  server.unref()
  const { port } = server.address() as AddressInfo
  return {
    kind: 'loopback',
    uri: `http://127.0.0.1:${port}${PATH}`,
    wait: (signal) => untilAborted(answer, signal),
    dispose: () => {
      server.close()
      // The browser keeps its connection open: let the page finish, then cut.
      setTimeout(() => server.closeAllConnections(), 1000).unref()
    },
  }
}

/** A page of the web can make the browser send requests here, so the host name must be ours (DNS rebinding). */
function answerOf(request: IncomingMessage, port: number): URLSearchParams | undefined {
  if (request.method !== 'GET' || request.headers.host !== `127.0.0.1:${port}`) return undefined
  const url = new URL(request.url ?? '/', `http://127.0.0.1:${port}`)
  if (url.pathname !== PATH) return undefined
  return url.searchParams.has('code') || url.searchParams.has('error') ? url.searchParams : undefined
}

function reply(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    connection: 'close',
  })
  response.end(html)
}
