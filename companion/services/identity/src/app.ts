import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import { codePage } from './code-page.ts'
import { devPeople, devToken } from './dev-token.ts'
import { problemPage } from './error-page.ts'
import { IdentityError } from './errors.ts'
import type { Logger } from './logger.ts'
import { sendPage } from './page.ts'
import { REGISTRATION_PATH, type RegistrationEndpoint } from './registration-endpoint.ts'
import { handleSignIn } from './sign-in.ts'

const STATUS: Readonly<Record<string, number>> = { request_invalid: 400, unauthorized: 401, origin_refused: 403 }

export interface AppOptions {
  readonly provider: Provider
  readonly devSecret?: string
  /** Absent where clients may not register themselves. */
  readonly register?: RegistrationEndpoint
  readonly log: Logger
}

/** Our own pages and the development endpoint first; everything else is the OpenID provider's. */
export function createApp(options: AppOptions): RequestListener {
  const { provider, log } = options
  const issuer = new URL(provider.issuer)
  const rest = provider.callback()
  provider.on('server_error', (_context, error) => log('error', 'server_error', error.message))
  return (request, response) => {
    // Not the client's to choose: URLs in answers, and what a DPoP proof must name (`htu`), come from the issuer.
    request.headers.host = issuer.host
    request.headers['x-forwarded-host'] = issuer.host
    request.headers['x-forwarded-proto'] = issuer.protocol.slice(0, -1)
    route(options, request, response, issuer)
      .then((handled) => (handled ? undefined : rest(request, response)))
      .catch((error: unknown) => fail(error, request, response, log))
  }
}

async function route(
  options: AppOptions,
  request: IncomingMessage,
  response: ServerResponse,
  issuer: URL,
): Promise<boolean> {
  const url = parseUrl(request, issuer)
  if (request.method === 'GET' && url.pathname === '/healthz') {
    sendJson(response, 200, { status: 'ok' })
    return true
  }
  if (request.method === 'GET' && url.pathname === '/code') {
    const { status, page } = codePage(url)
    sendPage(response, status, page)
    return true
  }
  if (request.method === 'POST' && url.pathname === REGISTRATION_PATH && options.register) {
    await options.register(request, response)
    return true
  }
  if (request.method === 'POST' && url.pathname === '/dev/token' && options.devSecret !== undefined) {
    sendJson(response, 200, await devToken(options.provider, options.devSecret, request))
    return true
  }
  if (request.method === 'GET' && url.pathname === '/dev/people' && options.devSecret !== undefined) {
    sendJson(response, 200, devPeople(options.devSecret, request))
    return true
  }
  return handleSignIn(options.provider, request, response, url.pathname)
}

function parseUrl(request: IncomingMessage, issuer: URL): URL {
  const url = URL.parse(request.url ?? '/', issuer.origin)
  if (url?.origin !== issuer.origin)
    throw new IdentityError('request_invalid', 'the request target is not a path of this provider')
  return url
}

function fail(error: unknown, request: IncomingMessage, response: ServerResponse, log: Logger): void {
  const known = error instanceof IdentityError
  if (!known) log('error', 'internal_error', error instanceof Error ? error.message : String(error))
  if (response.headersSent) return void response.destroy()
  const status = known ? (STATUS[error.code] ?? 500) : 500
  const code = known ? error.code : 'internal_error'
  const message = known ? error.message : 'something went wrong here; the log says what'
  if (request.headers.accept?.includes('text/html') === true) {
    return sendPage(response, status, problemPage('Sign-in cannot go on', message, code))
  }
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer')
  sendJson(response, status, { code, message })
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response
    .writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
    .end(JSON.stringify(body))
}
