import type { AuthorizationServer } from 'oauth4webapi'
import { z } from 'zod'
import { isSecure } from '../http/address.ts'
import { HttpError } from '../http/bounded-fetch.ts'
import { SessionError } from './errors.ts'
import { jsonOf, jsonRequest } from './json-answer.ts'
import type { SignInPolicy } from './policy.ts'
import { wellKnown } from './registry-url.ts'

/** RFC 8414 section 2, the members we use; oauth4webapi reads the others. */
const IssuerMetadata = z.looseObject({
  issuer: z.string(),
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  revocation_endpoint: z.url().optional(),
  registration_endpoint: z.url().optional(),
  scopes_supported: z.array(z.string()).optional(),
  grant_types_supported: z.array(z.string()).optional(),
  code_challenge_methods_supported: z.array(z.string()),
  dpop_signing_alg_values_supported: z.array(z.string()).optional(),
  token_endpoint_auth_methods_supported: z.array(z.string()).optional(),
  authorization_response_iss_parameter_supported: z.boolean().optional(),
  client_id_metadata_document_supported: z.boolean().optional(),
})
type IssuerMetadata = z.infer<typeof IssuerMetadata>

/**
 * Metadata of an authorization server: RFC 8414, else OpenID Connect Discovery with the path inserted, else with it appended (MCP
 * 2026-07-28, authorization server metadata discovery).
 * @throws SessionError `issuer_unreachable`, `discovery_failed`
 */
export async function issuerMetadata(
  issuer: string,
  fetch: typeof globalThis.fetch,
  policy: SignInPolicy,
  signal?: AbortSignal,
): Promise<AuthorizationServer> {
  const places = new Set([
    wellKnown(issuer, 'oauth-authorization-server'),
    wellKnown(issuer, 'openid-configuration'),
    `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`,
  ])
  for (const place of places) {
    const json = await jsonOf(await ask(place, fetch, signal))
    if (json === undefined) continue
    const metadata = IssuerMetadata.safeParse(json)
    if (!metadata.success) throw new SessionError('discovery_failed', { detail: missing(metadata.error) })
    check(issuer, metadata.data, policy)
    return metadata.data as unknown as AuthorizationServer
  }
  throw new SessionError('discovery_failed', { detail: 'it publishes no metadata' })
}

/** Whether tokens of this provider are bound to the device key. */
export function binds(server: { readonly dpop_signing_alg_values_supported?: readonly string[] | undefined }): boolean {
  return server.dpop_signing_alg_values_supported?.includes('ES256') ?? false
}

function check(issuer: string, metadata: IssuerMetadata, policy: SignInPolicy): void {
  const refuse = (detail: string): never => {
    throw new SessionError('discovery_failed', { detail })
  }
  // RFC 8414 section 3.3: identical, not merely equivalent.
  if (metadata.issuer !== issuer) refuse('its metadata is that of another issuer')
  if (!metadata.code_challenge_methods_supported.includes('S256')) refuse('it does not offer PKCE with S256')
  if (policy.binding === 'required' && !binds(metadata)) refuse('it does not offer DPoP with ES256')
  const local = new URL(issuer).protocol === 'http:'
  const { authorization_endpoint, token_endpoint, revocation_endpoint, registration_endpoint } = metadata
  for (const endpoint of [authorization_endpoint, token_endpoint, revocation_endpoint, registration_endpoint]) {
    if (endpoint === undefined) continue
    const url = new URL(endpoint)
    if (!isSecure(url) || (url.protocol === 'http:' && !local)) refuse('an endpoint of it is not https')
  }
}

async function ask(url: string, fetch: typeof globalThis.fetch, signal?: AbortSignal): Promise<Response> {
  let response: Response
  try {
    response = await fetch(url, jsonRequest(signal))
  } catch (error) {
    throw issuerFault(error)
  }
  if (response.status >= 500) {
    throw new SessionError('issuer_unreachable', { detail: `it answered with status ${response.status}` })
  }
  return response
}

/** A fault of the line to the identity provider, in the session's words; anything else as it is. */
export function issuerFault(error: unknown): unknown {
  if (!(error instanceof HttpError)) return error
  return new SessionError('issuer_unreachable', { detail: error.message, cause: error })
}

function missing(error: z.ZodError): string {
  const names = [...new Set(error.issues.map((issue) => String(issue.path[0])))]
  return `its metadata is incomplete (${names.join(', ')})`
}
