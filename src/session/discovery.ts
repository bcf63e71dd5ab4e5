import type { AuthorizationServer } from 'oauth4webapi'
import { z } from 'zod'
import { isLoopback, isSecure } from '../http/address.ts'
import { HttpError } from '../http/bounded-fetch.ts'
import { SessionError } from './errors.ts'
import { wellKnown } from './registry-url.ts'

/** RFC 9728 section 2, the members we use, and our own `gatehouse_client_id`. */
const ResourceMetadata = z.object({
  resource: z.string(),
  authorization_servers: z.array(z.url()).min(1),
  scopes_supported: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/))
    .max(20)
    .optional(),
  gatehouse_client_id: z.string().min(1).max(256).optional(),
})

/** RFC 8414 section 2, the members we use; oauth4webapi reads the others. */
const IssuerMetadata = z.looseObject({
  issuer: z.string(),
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  revocation_endpoint: z.url().optional(),
  scopes_supported: z.array(z.string()).optional(),
  grant_types_supported: z.array(z.string()).optional(),
  code_challenge_methods_supported: z.array(z.string()),
  dpop_signing_alg_values_supported: z.array(z.string()),
  authorization_response_iss_parameter_supported: z.boolean().optional(),
})

export interface Discovery {
  /** Exactly as the registry names it and the provider calls itself. */
  readonly issuer: string
  readonly server: AuthorizationServer
  /** Scopes of the resource itself, to be asked for. */
  readonly scopes: readonly string[]
  /** OAuth client id that the registry wants the editor to use. */
  readonly clientId?: string
}

/**
 * From a registry's URL to its identity provider: RFC 9728, then RFC 8414 or, where that is missing, OpenID Connect Discovery.
 * @param fetch a bounded one
 * @throws SessionError `registry_unreachable`, `registry_timeout`, `registry_not_a_registry`, `issuer_unreachable`, `discovery_failed`
 */
export async function discover(
  registry: string,
  fetch: typeof globalThis.fetch,
  signal?: AbortSignal,
): Promise<Discovery> {
  const resource = await resourceMetadata(registry, fetch, signal)
  const issuer = resource.authorization_servers[0] as string
  const at = new URL(issuer)
  if (!isSecure(at)) throw new SessionError('discovery_failed', { detail: 'the issuer is not https' })
  // A registry elsewhere that names an address on this machine would point the sign-in at whatever listens here.
  if (at.protocol === 'http:' && !isLoopback(new URL(registry).hostname)) {
    throw new SessionError('discovery_failed', { detail: 'the registry names an issuer on this machine' })
  }
  const server = await issuerMetadata(issuer, fetch, signal)
  return {
    issuer,
    server,
    scopes: resource.scopes_supported ?? [],
    ...(resource.gatehouse_client_id === undefined ? {} : { clientId: resource.gatehouse_client_id }),
  }
}

async function resourceMetadata(registry: string, fetch: typeof globalThis.fetch, signal?: AbortSignal) {
  let response: Response
  try {
    response = await fetch(wellKnown(registry, 'oauth-protected-resource'), request(signal))
  } catch (error) {
    throw registryFault(error)
  }
  if (response.status >= 500) {
    throw new SessionError('registry_unreachable', { detail: `it answered with status ${response.status}` })
  }
  const metadata = ResourceMetadata.safeParse(await jsonOf(response))
  if (!metadata.success) throw new SessionError('registry_not_a_registry', { detail: wordsFor(response) })
  // RFC 9728 section 3.3: metadata of another resource must not be used.
  if (metadata.data.resource !== registry) {
    throw new SessionError('registry_not_a_registry', { detail: 'its metadata is that of another address' })
  }
  return metadata.data
}

async function issuerMetadata(
  issuer: string,
  fetch: typeof globalThis.fetch,
  signal?: AbortSignal,
): Promise<AuthorizationServer> {
  const places = [
    wellKnown(issuer, 'oauth-authorization-server'),
    `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`,
  ]
  for (const place of places) {
    const response = await issuerFetch(place, fetch, signal)
    const json = await jsonOf(response)
    if (json === undefined) continue
    const metadata = IssuerMetadata.safeParse(json)
    if (!metadata.success) throw new SessionError('discovery_failed', { detail: missing(metadata.error) })
    checkIssuer(issuer, metadata.data)
    return metadata.data as unknown as AuthorizationServer
  }
  throw new SessionError('discovery_failed', { detail: 'it publishes no metadata' })
}

function checkIssuer(issuer: string, metadata: z.infer<typeof IssuerMetadata>): void {
  const refuse = (detail: string): never => {
    throw new SessionError('discovery_failed', { detail })
  }
  // RFC 8414 section 3.3: identical, not merely equivalent.
  if (metadata.issuer !== issuer) refuse('its metadata is that of another issuer')
  if (!metadata.code_challenge_methods_supported.includes('S256')) refuse('it does not offer PKCE with S256')
  if (!metadata.dpop_signing_alg_values_supported.includes('ES256')) refuse('it does not offer DPoP with ES256')
  const local = new URL(issuer).protocol === 'http:'
  for (const endpoint of [metadata.authorization_endpoint, metadata.token_endpoint, metadata.revocation_endpoint]) {
    if (endpoint === undefined) continue
    const url = new URL(endpoint)
    if (!isSecure(url) || (url.protocol === 'http:' && !local)) refuse('an endpoint of it is not https')
  }
}

async function issuerFetch(url: string, fetch: typeof globalThis.fetch, signal?: AbortSignal): Promise<Response> {
  let response: Response
  try {
    response = await fetch(url, request(signal))
  } catch (error) {
    throw issuerFault(error)
  }
  if (response.status >= 500) {
    throw new SessionError('issuer_unreachable', { detail: `it answered with status ${response.status}` })
  }
  return response
}

function request(signal: AbortSignal | undefined): RequestInit {
  return { headers: { accept: 'application/json' }, ...(signal ? { signal } : {}) }
}

/** A fault of the line to the identity provider, in the session's words; anything else as it is. */
export function issuerFault(error: unknown): unknown {
  if (!(error instanceof HttpError)) return error
  return new SessionError('issuer_unreachable', { detail: error.message, cause: error })
}

function registryFault(error: unknown): unknown {
  if (!(error instanceof HttpError)) return error
  const options = { detail: error.message, cause: error }
  switch (error.code) {
    case 'http_timeout':
      return new SessionError('registry_timeout', options)
    case 'http_redirect':
    case 'http_too_large':
      return new SessionError('registry_not_a_registry', options)
    default:
      return new SessionError('registry_unreachable', options)
  }
}

/** The body of a 200 that says it is JSON and is; `undefined` for every other answer, such as a web page. */
async function jsonOf(response: Response): Promise<unknown> {
  const type = response.headers.get('content-type') ?? ''
  if (response.status !== 200 || !/^application\/([a-z0-9.+-]+\+)?json\b/i.test(type)) return undefined
  try {
    return (await response.json()) as unknown
  } catch {
    return undefined
  }
}

function wordsFor(response: Response): string {
  const type = response.headers.get('content-type') ?? ''
  if (/^text\/html\b/i.test(type)) return 'a web page answers there'
  if (response.status !== 200) return `it answered with status ${response.status}`
  return 'its answer is not protected-resource metadata'
}

function missing(error: z.ZodError): string {
  const names = [...new Set(error.issues.map((issue) => String(issue.path[0])))]
  return `its metadata is incomplete (${names.join(', ')})`
}
