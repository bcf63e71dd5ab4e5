import { SessionError } from './errors.ts'
import type { NeededScopes } from './needed-scopes.ts'
import type { SessionOptions } from './options.ts'
import type { SignInPolicy } from './policy.ts'
import { scopesToAsk } from './scopes.ts'
import { signInWithBrowser } from './sign-in.ts'
import { revoke, type SignOutParts } from './sign-out.ts'
import type { AccessToken, TokenEndpoint } from './token-endpoint.ts'
import type { StoredSession } from './vault.ts'

export interface EstablishOptions extends SignOutParts {
  readonly registry: string
  readonly policy: SignInPolicy
  readonly needed: NeededScopes
  readonly now: () => number
  readonly options: Pick<SessionOptions, 'redirects' | 'openExternal'>
  readonly signal: AbortSignal
}

export interface Established {
  readonly session: StoredSession
  readonly endpoint: TokenEndpoint
  /** For the registry. */
  readonly access: AccessToken
  /** Tells the provider that the sign-in which this one replaces is over. */
  dismiss(): Promise<void>
}

/** A whole sign-in: from the registry's address to a session in the store. @throws SessionError, or the signal's reason */
export async function establish(parts: EstablishOptions): Promise<Established> {
  const { registry, policy, needed, now, vault, keys, provider, signal } = parts
  const discovery = await provider.discover(signal)
  const key = await keys.of(discovery.issuer)
  const replaced = await vault.session(discovery.issuer)
  const scopes = scopesToAsk({
    discovery,
    policy,
    challenged: provider.challenge?.scopes ?? [],
    earlier: replaced?.scopes ?? [],
    needed: needed.all(),
  })
  const signedIn = await signInWithBrowser({
    discovery,
    policy,
    scopes,
    key,
    identify: async (redirectUri) => {
      const client = await provider.clientFor(discovery, redirectUri)
      return { client, endpoint: await provider.open(discovery, client, key) }
    },
    redirects: parts.options.redirects,
    openExternal: parts.options.openExternal,
    now,
    signal,
  }).catch((error: unknown) => {
    // Perhaps for the scopes: the next attempt must be able to do without.
    if (error instanceof SessionError && error.code === 'sign_in_refused') needed.clear()
    throw error
  })
  signal.throwIfAborted()
  const { account, client, refreshToken, endpoint, access, end } = signedIn
  const session: StoredSession = {
    clientId: client.id,
    clientSecret: client.secret,
    refreshToken,
    scopes: [...scopes],
    end,
    account: { ...account, groups: [...account.groups] },
  }
  const earlier = await parts.locked(discovery.issuer, async () => {
    const replaced = await vault.session(discovery.issuer)
    // Another window has signed out meanwhile, and with the key these tokens are of no use.
    if ((await vault.key(discovery.issuer))?.x !== key.publicJwk.x) throw new SessionError('sign_in_cancelled')
    await vault.save(registry, session)
    return replaced
  })
  if (signal.aborted) {
    // Cancelled, or signed out, while it was stored: nothing of it may come back at the next start.
    await vault.erase(discovery.issuer)
    signal.throwIfAborted()
  }
  needed.clear()
  return {
    session,
    endpoint,
    access,
    dismiss: async () => {
      if (earlier) await revoke(parts, discovery.issuer, earlier, key)
    },
  }
}
