import type { AuthorizationServer } from 'oauth4webapi'
import { isLoopback, isSecure } from '../http/address.ts'
import { SessionError } from './errors.ts'
import { issuerMetadata } from './issuer-metadata.ts'
import { COMPANY_POLICY, type SignInPolicy } from './policy.ts'
import { resourceMetadata } from './resource-metadata.ts'

export interface Discovery {
  /** Exactly as the registry names it and the provider calls itself. */
  readonly issuer: string
  readonly server: AuthorizationServer
  /** The resource as its metadata names it, which is what a token is asked for (RFC 8707). */
  readonly resource: string
  /** Scopes of the resource itself, to be asked for. */
  readonly scopes: readonly string[]
  /** OAuth client id that the registry wants the editor to use. */
  readonly clientId?: string
}

export interface DiscoverOptions {
  readonly policy?: SignInPolicy
  /** `resource_metadata` of the resource's latest challenge. */
  readonly hint?: string | undefined
  readonly signal?: AbortSignal
}

/**
 * From a registry's URL to its identity provider: RFC 9728, then RFC 8414 or, where that is missing, OpenID Connect Discovery.
 * @param fetch a bounded one
 * @throws SessionError `registry_unreachable`, `registry_timeout`, `registry_not_a_registry`, `issuer_unreachable`, `discovery_failed`
 */
export async function discover(
  registry: string,
  fetch: typeof globalThis.fetch,
  options: DiscoverOptions = {},
): Promise<Discovery> {
  const { policy = COMPANY_POLICY, signal } = options
  const challenged = policy.discovery === 'challenge'
  const metadata = await resourceMetadata(registry, fetch, {
    hint: challenged ? options.hint : undefined,
    root: challenged,
    signal,
  })
  const issuer = metadata.authorization_servers[0] as string
  const at = new URL(issuer)
  if (!isSecure(at)) throw new SessionError('discovery_failed', { detail: 'the issuer is not https' })
  // A registry elsewhere that names an address on this machine would point the sign-in at whatever listens here.
  if (at.protocol === 'http:' && !isLoopback(new URL(registry).hostname)) {
    throw new SessionError('discovery_failed', { detail: 'the registry names an issuer on this machine' })
  }
  const server = await issuerMetadata(issuer, fetch, policy, signal)
  return {
    issuer,
    server,
    resource: metadata.resource,
    scopes: metadata.scopes_supported ?? [],
    ...(metadata.gatehouse_client_id === undefined ? {} : { clientId: metadata.gatehouse_client_id }),
  }
}
