import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { type HttpServer, sendJson, serve } from '../support/http-server.ts'

interface TokenRequest {
  readonly body: URLSearchParams
  readonly authorization: string | undefined
  readonly dpop: string | undefined
}

/** What a test changes of a provider that is as it should be; each is read when it is needed. */
interface ProviderManners {
  /** On top of its metadata; `undefined` leaves a member out. */
  metadata: Readonly<Record<string, unknown>>
  /** Changes the answer that the sign-in page redirects with. */
  answer: (parameters: URLSearchParams) => void
  /** On top of the token response; or a whole response. */
  token: (request: TokenRequest) => Readonly<Record<string, unknown>> | Response
  /** To a registration. */
  registration: (metadata: Record<string, unknown>) => Response
}

/**
 * An OAuth 2.1 provider that is no OpenID provider, and a resource `/mcp` of its own origin, over real HTTP. A token is the word `token`
 * and the scopes it was asked for.
 */
export interface PlainProvider extends ProviderManners {
  readonly url: string
  readonly resource: string
  /** The resource's answer to a request with these scopes, or without a token. */
  admit: (scopes: readonly string[] | undefined, response: ServerResponse, request: IncomingMessage) => void
  /** Protected-resource metadata by path. */
  published: Record<string, unknown>
  readonly paths: string[]
  readonly authorizations: URLSearchParams[]
  readonly tokenRequests: TokenRequest[]
  readonly registrations: Record<string, unknown>[]
  close(): Promise<void>
}

/** An access token for these audiences; unsigned, for what only looks at it. */
export function tokenFor(...audiences: readonly string[]): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const aud = audiences.length === 1 ? audiences[0] : audiences
  return `${part({ alg: 'ES256', typ: 'at+jwt' })}.${part(audiences.length === 0 ? {} : { aud })}.${part({})}`
}

export async function startPlainProvider(): Promise<PlainProvider> {
  const server: HttpServer = await serve((request, response) => void handle(request, response))
  let granted: string[] = []
  const provider: PlainProvider = {
    url: server.url,
    resource: `${server.url}/mcp`,
    metadata: {},
    answer: () => undefined,
    token: () => ({}),
    registration: () => Response.json({ client_id: `client-${provider.registrations.length}` }, { status: 201 }),
    admit: (scopes, response) => (scopes ? response.end('ok') : challenge(response, 401, '')),
    published: {
      '/.well-known/oauth-protected-resource/mcp': {
        resource: `${server.url}/mcp`,
        authorization_servers: [server.url],
      },
    },
    paths: [],
    authorizations: [],
    tokenRequests: [],
    registrations: [],
    close: () => server.close(),
  }
  return provider

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', server.url)
    provider.paths.push(url.pathname)
    const published = provider.published[url.pathname]
    if (published) return sendJson(response, published)
    switch (url.pathname) {
      case '/.well-known/oauth-authorization-server':
        return sendJson(response, metadata())
      case '/authorize': {
        provider.authorizations.push(url.searchParams)
        granted = (url.searchParams.get('scope') ?? '').split(' ').filter((scope) => scope !== '')
        const target = new URL(url.searchParams.get('redirect_uri') as string)
        const answer = new URLSearchParams({ code: 'code', iss: server.url })
        answer.set('state', url.searchParams.get('state') as string)
        provider.answer(answer)
        target.search = answer.toString()
        return void response.writeHead(302, { location: target.href }).end()
      }
      case '/register': {
        const registration = JSON.parse(await text(request)) as Record<string, unknown>
        provider.registrations.push(registration)
        return forward(provider.registration(registration), response)
      }
      case '/token': {
        const { authorization, dpop } = request.headers
        const body = new URLSearchParams(await text(request))
        const asked: TokenRequest = { body, authorization, dpop: typeof dpop === 'string' ? dpop : undefined }
        provider.tokenRequests.push(asked)
        const change = provider.token(asked)
        if (change instanceof Response) return forward(change, response)
        const scopes = body.get('scope')?.split(' ') ?? granted
        const access_token = ['token', ...scopes].join('+')
        return sendJson(response, { access_token, token_type: 'Bearer', expires_in: 3600, ...change })
      }
      case '/mcp': {
        const token = /^(?:Bearer|DPoP) (.+)$/.exec(request.headers.authorization ?? '')?.[1]
        return provider.admit(token?.split('+').slice(1), response, request)
      }
      default:
        return sendJson(response, {}, 404)
    }
  }

  function metadata(): object {
    return {
      issuer: server.url,
      authorization_endpoint: `${server.url}/authorize`,
      token_endpoint: `${server.url}/token`,
      registration_endpoint: `${server.url}/register`,
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none'],
      authorization_response_iss_parameter_supported: true,
      ...provider.metadata,
    }
  }
}

/** A refusal with a challenge (RFC 6750 section 3). */
export function challenge(response: ServerResponse, status: number, parameters: string): void {
  response.writeHead(status, { 'www-authenticate': `Bearer ${parameters}` }).end()
}

async function forward(answer: Response, response: ServerResponse): Promise<void> {
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
}
