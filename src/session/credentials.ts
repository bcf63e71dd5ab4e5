import type { BoundKey } from './device-key.ts'
import { SessionError } from './errors.ts'
import type { SignInPolicy } from './policy.ts'
import { ResourceGrants } from './resource-grants.ts'
import type { AccessToken, Granted, TokenEndpoint } from './token-endpoint.ts'
import type { Account } from './types.ts'

export interface CredentialsOptions {
  readonly registry: string
  readonly account: Account
  readonly clientId: string
  /** What the sign-in asked for. */
  readonly scopes: readonly string[]
  readonly policy: Pick<SignInPolicy, 'audience'>
  key(): Promise<BoundKey>
  /** Discovers where needed, and anew with `fresh`. @throws SessionError */
  endpoint(fresh?: boolean): Promise<TokenEndpoint>
  /**
   * Runs `use` with the stored refresh token while no other window does, and stores the one that comes back.
   * @throws SessionError `signed_out` when the store holds none any more
   */
  rotate(use: (refreshToken: string) => Promise<Granted>): Promise<Granted>
  /** The provider no longer accepts the sign-in. */
  ended(): Promise<void>
  readonly now: () => number
}

/** Scopes of one resource that are remembered; a resource that asks for ever more gets no more. */
const MAX_SCOPES = 50

/** A token this close to its end is fetched anew, so that it does not run out on the way, milliseconds. */
const MARGIN = 30_000

/** The access tokens of one sign-in, in memory alone, and how to fetch more of them. Per resource one fetch is in flight at most. */
export class Credentials {
  readonly #tokens = new Map<string, AccessToken>()
  readonly #flights = new Map<string, Promise<AccessToken>>()
  /** Per resource: scopes beyond the usual ones that its tokens are fetched with. */
  readonly #wider = new Map<string, ReadonlySet<string>>()
  /** Per resource: scopes that have been tried without a person. */
  readonly #tried = new Map<string, ReadonlySet<string>>()

  readonly #grants: ResourceGrants

  constructor(readonly options: CredentialsOptions) {
    this.#grants = new ResourceGrants({
      ...options,
      endpoint: (fresh) => options.endpoint(fresh),
      rotate: (use) => options.rotate(use),
      ended: () => options.ended(),
      subject: async () => (await this.tokenFor(options.registry)).token,
      forgetSubject: () => this.forget(options.registry),
    })
  }

  seed(access: AccessToken): void {
    this.#tokens.set(this.options.registry, access)
  }

  /** @param token drops only this one */
  forget(resource: string, token?: string): void {
    if (token === undefined || this.#tokens.get(resource)?.token === token) this.#tokens.delete(resource)
  }

  tokenFor(resource: string): Promise<AccessToken> {
    const cached = this.#tokens.get(resource)
    if (cached && cached.expiresAt - this.options.now() > MARGIN) return Promise.resolve(cached)
    const running = this.#flights.get(resource)
    if (running) return running
    const flight = this.#grants
      .fetch(resource, [...(this.#wider.get(resource) ?? [])])
      .then((access) => {
        this.#tokens.set(resource, access)
        return access
      })
      .finally(() => this.#flights.delete(resource))
    this.#flights.set(resource, flight)
    return flight
  }

  /**
   * Step-up (MCP 2026-07-28, authorization, scope challenge handling): fetches a token with `scopes` added, silently and once for the same scopes.
   * @param token the one that was refused; where another has been fetched since, that is the one to try
   * @throws SessionError `scope_needed`: a sign-in can help. `scope_refused`: it was asked for already.
   */
  async widen(resource: string, token: string, scopes: readonly string[]): Promise<void> {
    await this.#flights.get(resource)?.catch(() => undefined)
    if ((this.#tokens.get(resource)?.token ?? token) !== token) return
    const { registry, scopes: asked } = this.options
    const tried = this.#tried.get(resource)
    if (resource !== registry && !scopes.every((scope) => tried?.has(scope))) {
      this.#tried.set(resource, merged(tried, scopes))
      if (await this.#fetchWider(resource, scopes)) return
    }
    if (scopes.every((scope) => asked.includes(scope))) throw new SessionError('scope_refused')
    // A chat shows the message alone.
    const detail = 'sign in to Gatehouse again to be asked for it, then repeat the request'
    throw new SessionError('scope_needed', { detail })
  }

  /** Keeps the token that there is, and its scopes, when the provider gives no wider one. */
  async #fetchWider(resource: string, scopes: readonly string[]): Promise<boolean> {
    const narrower = this.#wider.get(resource)
    const token = this.#tokens.get(resource)
    this.#wider.set(resource, merged(narrower, scopes))
    this.forget(resource)
    try {
      await this.tokenFor(resource)
      return true
    } catch (error) {
      if (!(error instanceof SessionError) || error.code !== 'resource_refused') throw error
      if (narrower) this.#wider.set(resource, narrower)
      else this.#wider.delete(resource)
      if (token) this.#tokens.set(resource, token)
      return false
    }
  }
}

function merged(known: ReadonlySet<string> | undefined, more: readonly string[]): ReadonlySet<string> {
  return new Set([...new Set([...(known ?? []), ...more])].slice(0, MAX_SCOPES))
}
