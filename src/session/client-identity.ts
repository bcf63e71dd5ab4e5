import { z } from 'zod'
import type { Discovery } from './discovery.ts'
import { SessionError } from './errors.ts'
import { binds, issuerFault } from './issuer-metadata.ts'
import type { SignInPolicy } from './policy.ts'

/** Registered with every company's provider. */
export const DEFAULT_CLIENT_ID = 'gatehouse-vscode'

/** Who asks, as one authorization server knows it (RFC 6749 section 2); without `secret` a public client. */
export const ClientIdentity = z.object({
  id: z.string().min(1),
  secret: z.object({ value: z.string(), method: z.enum(['client_secret_basic', 'client_secret_post']) }).optional(),
})
export type ClientIdentity = z.infer<typeof ClientIdentity>

/** A client that people have registered with a provider. */
export interface RegisteredClient {
  readonly id: string
  readonly secret?: string
  /** Where it was registered; at another issuer it is not used, so that no secret reaches one (MCP 2026-07-28, authorization server binding). */
  readonly issuer?: string
}

export interface ClientSources {
  readonly discovery: Discovery
  readonly policy: SignInPolicy
  readonly registered?: RegisteredClient | undefined
  /** Address of a client ID metadata document (draft-ietf-oauth-client-id-metadata-document) that describes this editor. */
  readonly metadataUrl?: string | undefined
  /** What an earlier dynamic registration with this very issuer gave. */
  readonly known: ClientIdentity | undefined
  readonly redirectUri: string
  readonly fetch: typeof fetch
}

/** `isNew`: just registered, to be kept for this issuer. */
export interface ChosenClient {
  readonly client: ClientIdentity
  readonly isNew: boolean
}

/**
 * Who we are to this issuer, in the order of MCP 2026-07-28 (authorization, client registration): registered by people, a client ID
 * metadata document; else the client that the registry names, dynamic registration where the policy has it, and at last the client id
 * that every company's provider knows.
 * @throws SessionError `registration_refused`, `issuer_unreachable`
 */
export async function chooseClient(sources: ClientSources): Promise<ChosenClient> {
  const { discovery, policy, registered, metadataUrl, known } = sources
  const { server } = discovery
  if (registered && (registered.issuer ?? discovery.issuer) === discovery.issuer) {
    return chosen(identityOf(registered.id, registered.secret, server.token_endpoint_auth_methods_supported))
  }
  if (metadataUrl !== undefined && server['client_id_metadata_document_supported'] === true) {
    return chosen({ id: metadataUrl })
  }
  if (discovery.clientId !== undefined) return chosen({ id: discovery.clientId })
  if (policy.registration === 'never' || server.registration_endpoint === undefined) {
    return chosen({ id: DEFAULT_CLIENT_ID })
  }
  return known ? chosen(known) : { client: await register(sources), isNew: true }
}

function chosen(client: ClientIdentity): ChosenClient {
  return { client, isNew: false }
}

/**
 * RFC 6749 section 2.3.1 prefers Basic; RFC 8414 section 2 makes it what a provider takes that says nothing. A secret that a provider
 * takes in no way that we have stays here.
 */
function identityOf(id: string, secret: string | undefined, supported: readonly string[] | undefined): ClientIdentity {
  if (secret === undefined) return { id }
  const methods = supported ?? ['client_secret_basic']
  const method = (['client_secret_basic', 'client_secret_post'] as const).find((name) => methods.includes(name))
  return method ? { id, secret: { value: secret, method } } : { id }
}

/** RFC 7591 section 3.2.1, the members we use. A secret without its end is kept until the provider refuses it. */
const Registration = z.object({
  client_id: z.string().min(1).max(2000),
  client_secret: z.string().min(1).max(2000).optional(),
  token_endpoint_auth_method: z.string().optional(),
})

async function register({ discovery, redirectUri, fetch }: ClientSources): Promise<ClientIdentity> {
  const { server } = discovery
  const supported = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  // A secret on a person's machine proves nothing (RFC 8252 section 8.5), so none is asked for where that is possible.
  const method =
    ['none', 'client_secret_basic', 'client_secret_post'].find((name) => supported.includes(name)) ?? 'none'
  const metadata = {
    client_name: 'Gatehouse',
    application_type: 'native',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: method,
    ...(binds(server) ? { dpop_bound_access_tokens: true } : {}),
  }
  let response: Response
  try {
    response = await fetch(server.registration_endpoint as string, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(metadata),
    })
  } catch (error) {
    throw issuerFault(error)
  }
  const detail = `it answered with status ${response.status}`
  if (response.status >= 500) throw new SessionError('issuer_unreachable', { detail })
  const answer = Registration.safeParse(await response.json().catch(() => undefined))
  if (response.status !== 201 || !answer.success) throw new SessionError('registration_refused', { detail })
  const { client_id, client_secret, token_endpoint_auth_method } = answer.data
  return identityOf(client_id, client_secret, [token_endpoint_auth_method ?? method])
}
