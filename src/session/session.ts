import { boundedFetch } from '../http/bounded-fetch.ts'
import { authorizedFetch } from './authorized-fetch.ts'
import { DEFAULT_CLIENT_ID } from './client-identity.ts'
import { checkedClient, checkedMetadataUrl } from './client-settings.ts'
import type { Credentials } from './credentials.ts'
import { CurrentSignIn } from './current-sign-in.ts'
import type { BoundKey } from './device-key.ts'
import { SESSION_TROUBLES, SessionError } from './errors.ts'
import { establish } from './establish.ts'
import { createIssuerLock } from './issuer-lock.ts'
import { KeyRing } from './key-ring.ts'
import { NeededScopes } from './needed-scopes.ts'
import type { SessionOptions } from './options.ts'
import { COMPANY_POLICY, type SignInPolicy } from './policy.ts'
import { Provider } from './provider.ts'
import { registryResource } from './registry-url.ts'
import { eraseAll, revoke, type SignOutParts } from './sign-out.ts'
import { StateHolder } from './state-holder.ts'
import { StoreWatch } from './store-watch.ts'
import type { AccessToken, TokenEndpoint } from './token-endpoint.ts'
import type { Account, Session, SessionState } from './types.ts'
import { untilAborted } from './until-aborted.ts'
import { createVault, type StoredSession } from './vault.ts'

/**
 * The person's one sign-in (AUTH-1 to AUTH-6). Starts `restoring`, reads the store once, and then follows it: what another window does to
 * the stored session happens here too.
 * @throws SessionError `registry_url_invalid`, `client_setting_invalid`
 */
export function createSession(options: SessionOptions): Session {
  return new WindowSession(options)
}

class WindowSession implements Session {
  readonly #options: SessionOptions
  readonly #registry: string
  readonly #parts: SignOutParts
  readonly #now: () => number
  /** Settles when the latest sign-out is done. */
  #signingOut: Promise<void> = Promise.resolve()
  readonly #policy: SignInPolicy
  readonly #needed: NeededScopes
  readonly #state: StateHolder
  readonly #nonces = new Map<string, string>()
  readonly #disposal = new AbortController()
  readonly #watch: StoreWatch
  readonly restored: Promise<void>

  /** Set exactly while signed in, and while signing in anew over an earlier sign-in. */
  #current: CurrentSignIn | undefined
  #attempt: AbortController | undefined

  constructor(options: SessionOptions) {
    this.#options = options
    this.#state = new StateHolder(options.log)
    this.#registry = registryResource(options.registryUrl)
    this.#now = options.now ?? Date.now
    this.#policy = options.policy ?? COMPANY_POLICY
    this.#needed = new NeededScopes(() => options.onScopeNeeded?.())
    const vault = createVault(options.secrets)
    const locked = createIssuerLock(options.folder, this.#disposal.signal)
    const provider = new Provider({
      registry: this.#registry,
      policy: this.#policy,
      client: checkedClient(options.client),
      clientMetadataUrl: checkedMetadataUrl(options.clientMetadataUrl),
      vault,
      fetch: boundedFetch(options.fetch ? { fetch: options.fetch } : {}),
      now: this.#now,
    })
    const keys = new KeyRing(vault, locked, this.#now)
    this.#parts = { vault, keys, provider, locked, log: options.log, disposal: this.#disposal.signal }
    this.#watch = new StoreWatch({
      secrets: options.secrets,
      folder: options.folder,
      lookEvery: options.lookEvery ?? 30_000,
      log: options.log,
      agree: () => this.#agree(),
      failed: (error) => this.#unreadable(error),
      looked: () => void this.#current?.end.check(),
    })
    this.restored = this.#restore()
  }

  state(): SessionState {
    return this.#state.state
  }

  clientId(): string {
    return this.#current?.credentials.options.clientId ?? this.#options.client?.id ?? DEFAULT_CLIENT_ID
  }

  onChange(listener: (state: SessionState) => void): () => void {
    return this.#state.onChange(listener)
  }

  async signIn(signal: AbortSignal): Promise<Account> {
    await this.restored
    // A sign-out that is still erasing would take this sign-in's device key along.
    await this.#signingOut
    // A person who starts again has lost the first page: the newest attempt counts.
    this.#attempt?.abort()
    const attempt = new AbortController()
    this.#attempt = attempt
    const clock = AbortSignal.timeout(this.#options.signInLimit ?? 600_000)
    const all = AbortSignal.any([signal, attempt.signal, this.#disposal.signal, clock])
    if (!this.#current) this.#state.become({ kind: 'signing-in' })
    try {
      return await this.#signIn(all)
    } catch (error) {
      if (all.aborted)
        throw new SessionError(clock.aborted && !attempt.signal.aborted ? 'sign_in_timeout' : 'sign_in_cancelled')
      throw error
    } finally {
      if (this.#attempt === attempt) {
        this.#attempt = undefined
        if (this.#state.state.kind === 'signing-in') this.#settle()
        void this.#watch.look()
      }
    }
  }

  signOut(): Promise<void> {
    const leaving = this.#signOut()
    this.#signingOut = leaving.catch(() => undefined)
    return leaving
  }

  async #signOut(): Promise<void> {
    await this.restored
    this.#attempt?.abort()
    const leaving = this.#current?.credentials
    this.#leave()
    const issuer = leaving?.options.account.issuer ?? (await this.#parts.vault.issuerOf(this.#registry))
    if (issuer === undefined) return
    const { session, key } = await eraseAll(this.#parts, issuer)
    await this.#watch.tell()
    if (session && key) await revoke(this.#parts, issuer, session, key)
    this.#options.log.info('signed out')
  }

  async tokenFor(resource: string, signal?: AbortSignal): Promise<AccessToken> {
    await this.restored
    signal?.throwIfAborted()
    const credentials = this.#required()
    // A server that the provider names by a scope may be newer than the sign-in.
    const access = await untilAborted(this.#noting([resource], credentials.tokenFor(resource)), signal)
    // Signed out, or signed in as someone else, while it was fetched.
    if (this.#current?.credentials !== credentials) throw new SessionError('signed_out')
    return access
  }

  forget(resource: string): void {
    this.#current?.credentials.forget(resource)
  }

  async deviceKey(): Promise<BoundKey> {
    await this.restored
    return this.#required().options.key()
  }

  fetchFor(resource: string): typeof fetch {
    return authorizedFetch({
      resource,
      fetch: this.#options.fetch ?? fetch,
      tokenFor: async (wanted, signal) => {
        await this.restored
        const isAnonymous = this.#policy.discovery === 'challenge' && !this.#current
        return isAnonymous ? undefined : this.tokenFor(wanted, signal)
      },
      reject: (rejected, token) => this.#current?.credentials.forget(rejected, token),
      challenged: (challenger, challenge) => {
        if (challenger === this.#registry) this.#parts.provider.challenge = challenge
      },
      widen: (wanted, token, scopes) => this.#noting(scopes, this.#required().widen(wanted, token, scopes)),
      key: () => this.deviceKey(),
      nonces: this.#nonces,
    })
  }

  dispose(): void {
    this.#disposal.abort()
    this.#watch.dispose()
    this.#state.dispose()
  }

  async #signIn(signal: AbortSignal): Promise<Account> {
    const { session, endpoint, access, ...made } = await establish({
      ...this.#parts,
      registry: this.#registry,
      policy: this.#policy,
      needed: this.#needed,
      now: this.#now,
      options: this.#options,
      signal,
    })
    this.#enter(session, endpoint).credentials.seed(access)
    await this.#watch.tell()
    void made.dismiss()
    this.#options.log.info('signed in')
    return session.account
  }

  /** Scopes for want of which `work` fails are asked for by the next sign-in. */
  async #noting<T>(scopes: readonly string[], work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      if (error instanceof SessionError && error.code === 'scope_needed') this.#needed.add(scopes)
      throw error
    }
  }

  #enter(session: StoredSession, endpoint?: TokenEndpoint): CurrentSignIn {
    const current = new CurrentSignIn(
      {
        ...this.#parts,
        registry: this.#registry,
        policy: this.#policy,
        now: this.#now,
        warnBefore: this.#options.warnBefore,
        lost: (lost) => {
          if (this.#current === lost) this.#leave('It was ended in another window.')
        },
        ended: (ended) => this.#ended(ended),
        endChanged: (changed) => {
          if (this.#current === changed) this.#settle()
        },
      },
      session,
      endpoint,
    )
    this.#current = current
    this.#state.become({ kind: 'signed-in', account: session.account })
    void current.end.check()
    return current
  }

  async #ended(current: CurrentSignIn): Promise<void> {
    if (this.#current === current) this.#leave(SESSION_TROUBLES.session_ended.explanation, 'session_ended')
    await this.#parts.vault.erase(current.credentials.options.account.issuer)
    await this.#watch.tell()
    this.#options.log.warn('the identity provider has ended the session')
  }

  async #restore(): Promise<void> {
    await this.#watch.look()
    if (this.#state.state.kind === 'restoring') this.#state.become({ kind: 'signed-out' })
    if (!this.#disposal.signal.aborted) this.#watch.start()
  }

  #unreadable(error: unknown): void {
    const reason = error instanceof SessionError ? error.message : 'The stored session cannot be read.'
    this.#options.log.warn(reason)
    if (this.#state.state.kind === 'restoring') this.#state.become({ kind: 'signed-out', reason })
  }

  /** Makes this window agree with the store. */
  async #agree(): Promise<void> {
    const before = this.#current
    const issuer = await this.#parts.vault.issuerOf(this.#registry)
    const stored = issuer === undefined ? undefined : await this.#parts.vault.session(issuer)
    // Something was done here meanwhile; its own change is followed by another look.
    if (this.#current !== before || this.#attempt || this.#disposal.signal.aborted) return
    if (!stored) {
      if (before) this.#leave('It was ended in another window.')
      return
    }
    if (before?.isOf(stored)) before.end.learn(stored.end)
    else this.#enter(stored)
  }

  /** Signed out as far as this window goes. */
  #leave(reason?: string, code?: 'session_ended'): void {
    this.#current = undefined
    this.#parts.keys.close()
    if (!this.#attempt) this.#settle(reason, code)
  }

  #settle(reason?: string, code?: 'session_ended'): void {
    const account = this.#current?.credentials.options.account
    const endsAt = this.#current?.end.near
    this.#state.become(
      account
        ? { kind: 'signed-in', account, ...(endsAt === undefined ? {} : { endsAt }) }
        : { kind: 'signed-out', ...(reason && { reason }), ...(code && { code }) },
    )
  }

  #required(): Credentials {
    if (!this.#current) throw new SessionError('signed_out')
    return this.#current.credentials
  }
}
