import { Credentials } from './credentials.ts'
import { SessionError } from './errors.ts'
import type { IssuerLock } from './issuer-lock.ts'
import type { KeyRing } from './key-ring.ts'
import type { SignInPolicy } from './policy.ts'
import type { Provider } from './provider.ts'
import { rotate } from './rotation.ts'
import { EndWatch } from './sign-in-end.ts'
import { clientOf } from './sign-out.ts'
import type { Granted, TokenEndpoint } from './token-endpoint.ts'
import type { StoredSession, Vault } from './vault.ts'

/** Of a sign-in that cannot be renewed silently, milliseconds. */
const WARN_BEFORE = 15 * 60_000

export interface CurrentSignInOptions {
  readonly registry: string
  readonly policy: SignInPolicy
  readonly vault: Vault
  readonly keys: KeyRing
  readonly provider: Provider
  readonly locked: IssuerLock
  readonly now: () => number
  readonly warnBefore: (() => number) | undefined
  /** The store no longer holds it. */
  lost(current: CurrentSignIn): void
  /** The provider no longer accepts it. */
  ended(current: CurrentSignIn): Promise<void>
  /** `end.near` is another. */
  endChanged(current: CurrentSignIn): void
}

/** One stored sign-in as this window uses it: its tokens, and when it ends. */
export class CurrentSignIn {
  readonly credentials: Credentials
  readonly end: EndWatch
  readonly #options: CurrentSignInOptions
  #endpoint: Promise<TokenEndpoint> | undefined

  /** @param endpoint where it is open already */
  constructor(options: CurrentSignInOptions, stored: StoredSession, endpoint?: TokenEndpoint) {
    this.#options = options
    const { account, clientId, scopes } = stored
    const { registry, policy, now, keys } = options
    if (endpoint) this.#endpoint = Promise.resolve(endpoint)
    this.credentials = new Credentials({
      registry,
      account,
      clientId,
      scopes,
      policy,
      now,
      key: () => keys.of(account.issuer),
      endpoint: (fresh) => this.#open(stored, fresh),
      rotate: (use) => this.#rotate(use),
      ended: () => options.ended(this),
    })
    this.end = new EndWatch(
      {
        now,
        warnBefore: () => options.warnBefore?.() ?? WARN_BEFORE,
        renew: async () => {
          this.credentials.forget(registry)
          await this.credentials.tokenFor(registry)
        },
        onChange: () => options.endChanged(this),
      },
      stored.end,
    )
  }

  /** One that asked for other scopes counts as another: its tokens are wider. */
  isOf(stored: StoredSession): boolean {
    const { account, scopes } = this.credentials.options
    const isSamePerson = account.issuer === stored.account.issuer && account.subject === stored.account.subject
    return isSamePerson && scopes.join(' ') === stored.scopes.join(' ')
  }

  #open(stored: StoredSession, fresh = false): Promise<TokenEndpoint> {
    if (fresh) this.#endpoint = undefined
    this.#endpoint ??= this.#discover(stored).catch((error: unknown) => {
      this.#endpoint = undefined
      throw error
    })
    return this.#endpoint
  }

  /** The issuer is found anew from the registry when a window first needs it: one that has changed gets none of our credentials. */
  async #discover(stored: StoredSession): Promise<TokenEndpoint> {
    const { provider, keys } = this.#options
    const discovery = await provider.discover()
    if (discovery.issuer !== stored.account.issuer) throw new SessionError('issuer_changed')
    return provider.open(discovery, clientOf(stored), await keys.of(discovery.issuer))
  }

  async #rotate(use: (refreshToken: string) => Promise<Granted>): Promise<Granted> {
    const { issuer, subject } = this.credentials.options.account
    return this.#options.locked(issuer, async () => {
      const rotated = await rotate(this.#options, issuer, subject, use)
      if (!rotated) {
        this.#options.lost(this)
        throw new SessionError('signed_out')
      }
      this.end.learn(rotated.stored.end)
      return rotated.granted
    })
  }
}
