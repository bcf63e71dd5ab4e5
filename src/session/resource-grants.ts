import { audienceFault } from './audience.ts'
import { SessionError } from './errors.ts'
import type { SignInPolicy } from './policy.ts'
import { isNamed, scopesFor } from './resource-scopes.ts'
import { type AccessToken, type Granted, GrantRefused, type TokenEndpoint } from './token-endpoint.ts'

export interface ResourceGrantsOptions {
  readonly registry: string
  readonly policy: Pick<SignInPolicy, 'audience'>
  /** What the sign-in asked for. */
  readonly scopes: readonly string[]
  /** Discovers where needed, and anew with `fresh`. @throws SessionError */
  endpoint(fresh?: boolean): Promise<TokenEndpoint>
  /** Runs `use` with the stored refresh token, see `CredentialsOptions`. */
  rotate(use: (refreshToken: string) => Promise<Granted>): Promise<Granted>
  /** The provider no longer accepts the sign-in. */
  ended(): Promise<void>
  /** The registry's token, which is what is exchanged. */
  subject(): Promise<string>
  /** Drops it: the provider does not take it. */
  forgetSubject(): void
}

/** How a provider that names no resources by scopes is asked for one server's token. */
type Way = 'exchange-resource' | 'exchange-audience' | 'refresh'

/** What a provider answers that does not offer this way, or not to this client; another may do. */
const OTHER_WAY = [
  'unauthorized_client',
  'invalid_client',
  'unsupported_grant_type',
  'invalid_target',
  'invalid_request',
]

/**
 * Asks a provider for the token of one server, silently. A server has one name everywhere, its address: as a scope where the provider
 * publishes one, else as the `resource` or the `audience` of an exchange (RFC 8693), else as the resource of a refresh (RFC 8707). What the
 * answer says that it is for decides whether the way was right; the first right one is kept.
 */
export class ResourceGrants {
  #way: Way | undefined

  constructor(readonly options: ResourceGrantsOptions) {}

  /**
   * @param wider scopes beyond the usual ones
   * @throws SessionError `resource_refused` | `audience_not_exact` | `scope_needed` | `session_ended` | `issuer_unreachable` | …
   */
  async fetch(resource: string, wider: readonly string[]): Promise<AccessToken> {
    const endpoint = await this.options.endpoint()
    if (resource === this.options.registry) return this.#registryToken(endpoint)
    if (isNamed(endpoint.scopes, endpoint.resource)) return this.#byScope(endpoint, resource, wider)
    let refused: SessionError | undefined
    for (const way of this.#way ? [this.#way] : waysOf(endpoint)) {
      try {
        const access = this.#checked(await this.#ask(way, endpoint, resource, wider), resource)
        this.#way = way
        return access
      } catch (error) {
        if (error instanceof SessionError && error.code === 'audience_not_exact') refused = error
        else if (!(error instanceof GrantRefused)) throw error
        else if (way === 'refresh' || !OTHER_WAY.includes(error.error)) throw refusedFor(resource, error)
        else refused ??= refusedFor(resource, error)
      }
    }
    throw refused ?? new SessionError('resource_refused')
  }

  async #registryToken(endpoint: TokenEndpoint): Promise<AccessToken> {
    const { resource } = endpoint
    const scopes = isNamed(endpoint.scopes, resource) ? scopesFor(resource, this.options.scopes) : []
    try {
      return this.#checked(await this.#refresh(endpoint, resource, scopes), resource)
    } catch (error) {
      throw error instanceof GrantRefused ? refusedFor(resource, error) : error
    }
  }

  async #byScope(known: TokenEndpoint, resource: string, wider: readonly string[]): Promise<AccessToken> {
    const { scopes } = this.options
    // A server that is newer than what we know of the provider.
    const current = isNamed(known.scopes, resource) ? known : await this.options.endpoint(true)
    if (!isNamed(current.scopes, resource)) {
      const detail = `${new URL(resource).host}: it publishes no scope of the server’s address`
      throw new SessionError('audience_not_exact', { detail })
    }
    if (!isNamed(scopes, resource)) {
      throw new SessionError('scope_needed', {
        detail: 'sign in to Gatehouse again to be given access to a new server',
      })
    }
    try {
      const asked = [...new Set([...scopesFor(resource, scopes), ...wider])]
      return this.#checked(await this.#refresh(current, resource, asked), resource)
    } catch (error) {
      throw error instanceof GrantRefused ? refusedFor(resource, error) : error
    }
  }

  async #ask(way: Way, endpoint: TokenEndpoint, resource: string, wider: readonly string[]): Promise<AccessToken> {
    if (way === 'refresh') return this.#refresh(endpoint, resource, [])
    const byResource = way === 'exchange-resource'
    const target = byResource ? { resource } : { audience: resource }
    const exchange = async () => (await endpoint.exchange(await this.options.subject(), target, wider)).access
    try {
      return await exchange()
    } catch (error) {
      if (!byResource || !(error instanceof GrantRefused) || !isAboutSubject(error)) throw error
      // The registry token may have been revoked before its time; with a fresh one the answer is about the resource.
      this.options.forgetSubject()
    }
    return exchange()
  }

  async #refresh(endpoint: TokenEndpoint, resource: string, scopes: readonly string[]): Promise<AccessToken> {
    try {
      return (await this.options.rotate((refreshToken) => endpoint.refresh(refreshToken, resource, scopes))).access
    } catch (error) {
      if (!(error instanceof GrantRefused) || error.error !== 'invalid_grant') throw error
      await this.options.ended()
      throw new SessionError('session_ended')
    }
  }

  #checked(access: AccessToken, resource: string): AccessToken {
    const fault = this.options.policy.audience === 'exact' ? audienceFault(access.token, resource) : undefined
    if (fault === undefined) return access
    throw new SessionError('audience_not_exact', { detail: `${new URL(resource).host}: ${fault}` })
  }
}

function waysOf(endpoint: TokenEndpoint): readonly Way[] {
  return endpoint.exchanges ? ['exchange-resource', 'exchange-audience', 'refresh'] : ['refresh']
}

function isAboutSubject(error: GrantRefused): boolean {
  return ['invalid_grant', 'invalid_token', 'invalid_request'].includes(error.error)
}

function refusedFor(resource: string, error: GrantRefused): SessionError {
  return new SessionError('resource_refused', { detail: `${new URL(resource).host} (${error.error})` })
}
