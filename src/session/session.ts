import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { boundedFetch } from '../http/bounded-fetch.ts'
import { authorizedFetch } from './authorized-fetch.ts'
import { type ChangeSignal, openChangeSignal } from './change-signal.ts'
import { type ClientIdentity, DEFAULT_CLIENT_ID } from './client-identity.ts'
import { Credentials } from './credentials.ts'
import type { BoundKey } from './device-key.ts'
import { SESSION_TROUBLES, SessionError } from './errors.ts'
import { KeyRing } from './key-ring.ts'
import { NeededScopes } from './needed-scopes.ts'
import type { SessionOptions } from './options.ts'
import { COMPANY_POLICY, type SignInPolicy } from './policy.ts'
import { Provider } from './provider.ts'
import { registryResource } from './registry-url.ts'
import { scopesToAsk } from './scopes.ts'
import { signInWithBrowser } from './sign-in.ts'
import { type AccessToken, type Granted, GrantRefused, type TokenEndpoint } from './token-endpoint.ts'
import type { Account, Session, SessionState } from './types.ts'
import { untilAborted } from './until-aborted.ts'
import { createVault, type StoredSession } from './vault.ts'
import { withWindowLock } from './window-lock.ts'

/** How long sign-out waits for another window, and how long for the provider, milliseconds. */
const SIGN_OUT_PATIENCE = 5_000

/**
 * The person's one sign-in (AUTH-1 to AUTH-6). Starts `restoring`, reads the store once, and then follows it: what another window does to
 * the stored session happens here too.
 * @throws SessionError `registry_url_invalid`
 */
export function createSession(options: SessionOptions): Session {
  return new WindowSession(options)
}

class WindowSession implements Session {
  readonly #options: SessionOptions
  readonly #registry: string
  readonly #vault
  readonly #keys: KeyRing
  readonly #now: () => number
  /** Settles when the latest sign-out is done. */
  #signingOut: Promise<void> = Promise.resolve()
  readonly #policy: SignInPolicy
  readonly #provider: Provider
  readonly #needed: NeededScopes
  readonly #listeners = new Set<(state: SessionState) => void>()
  readonly #nonces = new Map<string, string>()
  readonly #disposal = new AbortController()
  readonly #cleanups: (() => void)[] = []
  readonly restored: Promise<void>

  #state: SessionState = { kind: 'restoring' }
  /** Set exactly while signed in, and while signing in anew over an earlier sign-in. */
  #credentials: Credentials | undefined
  #attempt: AbortController | undefined
  #looking: Promise<void> | undefined
  #stale = false
  #signal: Promise<ChangeSignal> | undefined

  constructor(options: SessionOptions) {
    this.#options = options
    this.#registry = registryResource(options.registryUrl)
    this.#vault = createVault(options.secrets)
    this.#now = options.now ?? Date.now
    this.#policy = options.policy ?? COMPANY_POLICY
    this.#keys = new KeyRing(this.#vault, (issuer, work) => this.#locked(issuer, work), this.#now)
    this.#needed = new NeededScopes(() => options.onScopeNeeded?.())
    this.#provider = new Provider({
      registry: this.#registry,
      policy: this.#policy,
      client: options.client,
      clientMetadataUrl: options.clientMetadataUrl,
      vault: this.#vault,
      fetch: boundedFetch(options.fetch ? { fetch: options.fetch } : {}),
      now: this.#now,
    })
    this.restored = this.#restore()
  }

  state(): SessionState {
    return this.#state
  }

  clientId(): string {
    return this.#credentials?.options.clientId ?? this.#options.client?.id ?? DEFAULT_CLIENT_ID
  }

  onChange(listener: (state: SessionState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
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
    if (!this.#credentials) this.#become({ kind: 'signing-in' })
    try {
      return await this.#signIn(all)
    } catch (error) {
      if (all.aborted)
        throw new SessionError(clock.aborted && !attempt.signal.aborted ? 'sign_in_timeout' : 'sign_in_cancelled')
      throw error
    } finally {
      if (this.#attempt === attempt) {
        this.#attempt = undefined
        if (this.#state.kind === 'signing-in') this.#settle()
        void this.#look()
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
    const leaving = this.#credentials
    this.#leave()
    const issuer = leaving?.options.account.issuer ?? (await this.#vault.issuerOf(this.#registry))
    if (issuer === undefined) return
    const erase = async (): Promise<StoredSession | undefined> => {
      const stored = await this.#vault.session(issuer)
      await this.#vault.erase(issuer)
      return stored
    }
    const key = await this.#keys.of(issuer).catch(() => undefined)
    // A refresh in another window would store its new token after we erased the old one, so wait for it; but not for long.
    const stored = await this.#locked(issuer, erase, SIGN_OUT_PATIENCE).catch((error: unknown) => {
      if (error instanceof SessionError && error.code === 'session_busy') return erase()
      throw error
    })
    await this.#vault.eraseKey(issuer)
    await this.#vault.eraseClient(issuer)
    this.#keys.close()
    await this.#tell()
    if (stored && key) await this.#revoke(issuer, stored, key)
    this.#options.log.info('signed out')
  }

  async tokenFor(resource: string, signal?: AbortSignal): Promise<AccessToken> {
    await this.restored
    signal?.throwIfAborted()
    const credentials = this.#required()
    const access = await untilAborted(credentials.tokenFor(resource), signal)
    // Signed out, or signed in as someone else, while it was fetched.
    if (this.#credentials !== credentials) throw new SessionError('signed_out')
    return access
  }

  forget(resource: string): void {
    this.#credentials?.forget(resource)
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
        const isAnonymous = this.#policy.discovery === 'challenge' && !this.#credentials
        return isAnonymous ? undefined : this.tokenFor(wanted, signal)
      },
      reject: (rejected, token) => this.#credentials?.forget(rejected, token),
      challenged: (challenger, challenge) => {
        if (challenger === this.#registry) this.#provider.challenge = challenge
      },
      widen: (wanted, token, scopes) => this.#widen(wanted, token, scopes),
      key: () => this.deviceKey(),
      nonces: this.#nonces,
    })
  }

  dispose(): void {
    this.#disposal.abort()
    for (const cleanup of this.#cleanups) cleanup()
    void this.#signal?.then((signal) => signal.dispose()).catch(() => {})
    this.#listeners.clear()
  }

  async #signIn(signal: AbortSignal): Promise<Account> {
    const policy = this.#policy
    const discovery = await this.#provider.discover(signal)
    const key = await this.#keys.of(discovery.issuer)
    const replaced = await this.#vault.session(discovery.issuer)
    const scopes = scopesToAsk({
      discovery,
      policy,
      challenged: this.#provider.challenge?.scopes ?? [],
      earlier: replaced?.scopes ?? [],
      needed: this.#needed.all(),
    })
    const signedIn = await signInWithBrowser({
      discovery,
      policy,
      scopes,
      key,
      identify: async (redirectUri) => {
        const client = await this.#provider.clientFor(discovery, redirectUri)
        return { client, endpoint: await this.#provider.open(discovery, client, key) }
      },
      redirects: this.#options.redirects,
      openExternal: this.#options.openExternal,
      signal,
    }).catch((error: unknown) => {
      // Perhaps for the scopes: the next attempt must be able to do without.
      if (error instanceof SessionError && error.code === 'sign_in_refused') this.#needed.clear()
      throw error
    })
    signal.throwIfAborted()
    const { account, client, refreshToken, endpoint, access } = signedIn
    const session: StoredSession = {
      clientId: client.id,
      clientSecret: client.secret,
      refreshToken,
      scopes: [...scopes],
      account: { ...account, groups: [...account.groups] },
    }
    const earlier = await this.#locked(discovery.issuer, async () => {
      const replaced = await this.#vault.session(discovery.issuer)
      // Another window has signed out meanwhile, and with the key these tokens are of no use.
      if ((await this.#vault.key(discovery.issuer))?.x !== key.publicJwk.x) throw new SessionError('sign_in_cancelled')
      await this.#vault.save(this.#registry, session)
      return replaced
    })
    if (signal.aborted) {
      // Cancelled, or signed out, while it was stored: nothing of it may come back at the next start.
      await this.#vault.erase(discovery.issuer)
      signal.throwIfAborted()
    }
    this.#needed.clear()
    this.#enter(session, endpoint).seed(access)
    await this.#tell()
    if (earlier) void this.#revoke(discovery.issuer, earlier, key)
    this.#options.log.info('signed in')
    return account
  }

  async #widen(resource: string, token: string, scopes: readonly string[]): Promise<void> {
    try {
      await this.#required().widen(resource, token, scopes)
    } catch (error) {
      if (error instanceof SessionError && error.code === 'scope_needed') this.#needed.add(scopes)
      throw error
    }
  }

  /** The issuer is found anew from the registry when a window first needs it: one that has changed gets none of our credentials. */
  async #endpointFor(session: StoredSession): Promise<TokenEndpoint> {
    const discovery = await this.#provider.discover()
    if (discovery.issuer !== session.account.issuer) throw new SessionError('issuer_changed')
    return this.#provider.open(discovery, clientOf(session), await this.#keys.of(discovery.issuer))
  }

  #enter(session: StoredSession, endpoint?: TokenEndpoint): Credentials {
    const { account, clientId, scopes } = session
    let opened = endpoint ? Promise.resolve(endpoint) : undefined
    const credentials: Credentials = new Credentials({
      registry: this.#registry,
      account,
      clientId,
      scopes,
      now: this.#now,
      key: () => this.#keys.of(account.issuer),
      endpoint: () => {
        opened ??= this.#endpointFor(session).catch((error: unknown) => {
          opened = undefined
          throw error
        })
        return opened
      },
      rotate: (use) => this.#rotate(credentials, use),
      ended: () => this.#ended(credentials),
    })
    this.#credentials = credentials
    this.#become({ kind: 'signed-in', account })
    return credentials
  }

  async #rotate(credentials: Credentials, use: (refreshToken: string) => Promise<Granted>): Promise<Granted> {
    const { issuer, subject } = credentials.options.account
    return this.#locked(issuer, async () => {
      const stored = await this.#vault.session(issuer)
      if (!stored || stored.account.subject !== subject) {
        if (this.#credentials === credentials) this.#leave('It was ended in another window.')
        throw new SessionError('signed_out')
      }
      if (stored.refreshToken === undefined) throw new GrantRefused('invalid_grant')
      const granted = await use(stored.refreshToken)
      if (granted.account && granted.account.subject !== subject) throw new SessionError('response_invalid')
      if (granted.refreshToken !== undefined && granted.refreshToken !== stored.refreshToken) {
        await this.#vault.save(this.#registry, { ...stored, refreshToken: granted.refreshToken })
      }
      return granted
    })
  }

  async #ended(credentials: Credentials): Promise<void> {
    if (this.#credentials === credentials) this.#leave(SESSION_TROUBLES.session_ended.explanation)
    await this.#vault.erase(credentials.options.account.issuer)
    await this.#tell()
    this.#options.log.warn('the identity provider has ended the session')
  }

  async #revoke(issuer: string, session: StoredSession, key: BoundKey): Promise<void> {
    if (session.refreshToken === undefined) return
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(SIGN_OUT_PATIENCE), this.#disposal.signal])
      const discovery = await this.#provider.discover(signal)
      if (discovery.issuer !== issuer) return
      const endpoint = await this.#provider.open(discovery, clientOf(session), key)
      await endpoint.revoke(session.refreshToken, signal)
    } catch {
      this.#options.log.warn('the identity provider could not be told of the sign-out; its session runs out by itself')
    }
  }

  async #restore(): Promise<void> {
    await this.#look()
    if (this.#state.kind === 'restoring') this.#become({ kind: 'signed-out' })
    if (this.#disposal.signal.aborted) return
    const look = (): void => void this.#look()
    const stop = this.#options.secrets.onChange?.(look)
    if (stop) this.#cleanups.push(stop)
    const timer = setInterval(look, this.#options.lookEvery ?? 30_000)
    timer.unref()
    this.#cleanups.push(() => clearInterval(timer))
    this.#signal = openChangeSignal(this.#options.folder, look)
    this.#signal.catch(() => this.#options.log.warn('other windows cannot be watched; the store is looked at instead'))
  }

  /** Makes this window agree with the store. A change that comes while it is being read is looked at after. */
  #look(): Promise<void> {
    this.#stale = true
    this.#looking ??= this.#lookUntilFresh().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #lookUntilFresh(): Promise<void> {
    while (this.#stale) {
      this.#stale = false
      try {
        await this.#agree()
      } catch (error) {
        const reason = error instanceof SessionError ? error.message : 'The stored session cannot be read.'
        this.#options.log.warn(reason)
        if (this.#state.kind === 'restoring') this.#become({ kind: 'signed-out', reason })
      }
    }
  }

  async #agree(): Promise<void> {
    const before = this.#credentials
    const issuer = await this.#vault.issuerOf(this.#registry)
    const stored = issuer === undefined ? undefined : await this.#vault.session(issuer)
    // Something was done here meanwhile; its own change is followed by another look.
    if (this.#credentials !== before || this.#attempt || this.#disposal.signal.aborted) return
    if (!stored) {
      if (before) this.#leave('It was ended in another window.')
      return
    }
    if (!before || before.options.account.issuer !== issuer || !isSameSignIn(before, stored)) this.#enter(stored)
  }

  /** Signed out as far as this window goes. */
  #leave(reason?: string): void {
    this.#credentials = undefined
    this.#keys.close()
    if (!this.#attempt) this.#settle(reason)
  }

  #settle(reason?: string): void {
    const account = this.#credentials?.options.account
    this.#become(account ? { kind: 'signed-in', account } : { kind: 'signed-out', ...(reason ? { reason } : {}) })
  }

  #become(state: SessionState): void {
    if (state.kind === 'signed-out' && this.#state.kind === 'signed-out') return
    this.#state = state
    for (const listener of this.#listeners) {
      try {
        listener(state)
      } catch {
        this.#options.log.warn('a listener of the session failed')
      }
    }
  }

  #required(): Credentials {
    if (!this.#credentials) throw new SessionError('signed_out')
    return this.#credentials
  }

  #locked<T>(issuer: string, work: () => Promise<T>, patience?: number): Promise<T> {
    const name = createHash('sha256').update(issuer).digest('hex').slice(0, 16)
    return withWindowLock(join(this.#options.folder, `session-${name}.lock`), work, {
      signal: this.#disposal.signal,
      ...(patience === undefined ? {} : { patience }),
    })
  }

  async #tell(): Promise<void> {
    await this.#signal?.then((signal) => signal.send()).catch(() => {})
  }
}

function clientOf({ clientId, clientSecret }: StoredSession): ClientIdentity {
  return { id: clientId, secret: clientSecret }
}

/** One that asked for other scopes counts as another: its tokens are wider. */
function isSameSignIn(credentials: Credentials, stored: StoredSession): boolean {
  const { account, scopes } = credentials.options
  return account.subject === stored.account.subject && scopes.join(' ') === stored.scopes.join(' ')
}
