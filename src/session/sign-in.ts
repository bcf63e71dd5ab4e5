import { audienceFault } from './audience.ts'
import { authorize } from './authorization.ts'
import type { ClientIdentity } from './client-identity.ts'
import type { BoundKey } from './device-key.ts'
import type { Discovery } from './discovery.ts'
import { SessionError } from './errors.ts'
import { binds } from './issuer-metadata.ts'
import type { SignInPolicy } from './policy.ts'
import type { RedirectFactory } from './redirect/redirect.ts'
import { isNamed, scopesFor } from './resource-scopes.ts'
import { type AccessToken, type Granted, GrantRefused, type TokenEndpoint } from './token-endpoint.ts'
import type { SignInEnd } from './sign-in-end.ts'
import type { Account } from './types.ts'
import { untilAborted } from './until-aborted.ts'

export interface SignInOptions {
  readonly discovery: Discovery
  readonly policy: SignInPolicy
  readonly scopes: readonly string[]
  readonly key: BoundKey
  /** Who asks, which may depend on where the answer comes back. */
  identify(redirectUri: string): Promise<{ readonly client: ClientIdentity; readonly endpoint: TokenEndpoint }>
  readonly redirects: RedirectFactory
  openExternal(url: string): Promise<boolean>
  readonly now: () => number
  readonly signal: AbortSignal
}

export interface SignedIn {
  readonly account: Account
  readonly client: ClientIdentity
  readonly endpoint: TokenEndpoint
  readonly refreshToken?: string
  readonly end?: SignInEnd
  /** For the registry itself. */
  readonly access: AccessToken
}

/** The part of a sign-in that a person sees: their browser, the provider's page, the answer, and the code turned into tokens. */
export async function signInWithBrowser(options: SignInOptions): Promise<SignedIn> {
  const { discovery, policy, signal } = options
  const redirect = await options.redirects(discovery.issuer)
  try {
    const { client, endpoint } = await options.identify(redirect.uri)
    const authorization = await authorize({
      server: discovery.server,
      clientId: client.id,
      redirectUri: redirect.uri,
      resource: discovery.resource,
      scopes: options.scopes,
      keyThumbprint: binds(discovery.server) ? options.key.thumbprint : undefined,
    })
    signal.throwIfAborted()
    // Listening starts before the browser does, so that no answer is missed.
    const answer = redirect.wait(signal)
    answer.catch(() => {})
    if (!(await untilAborted(options.openExternal(authorization.url), signal)))
      throw new SessionError('browser_not_opened')
    const granted = await endpoint.redeem({
      answer: await authorization.check(await answer),
      redirectUri: redirect.uri,
      verifier: authorization.verifier,
      nonce: authorization.nonce,
      resource: discovery.resource,
    })
    const { account, refreshToken } = granted
    if (policy.identity === 'openid' && (!account || refreshToken === undefined)) {
      throw new SessionError('response_invalid', { detail: account ? 'no refresh token' : 'no ID token' })
    }
    const own = await registryGrant(granted, endpoint, options)
    const latest = own.refreshToken ?? refreshToken
    const endsAt = own.endsAt ?? granted.endsAt ?? (latest === undefined ? own.access.expiresAt : undefined)
    return {
      account: account ?? somebody(discovery.issuer),
      client,
      endpoint,
      access: own.access,
      ...(latest === undefined ? {} : { refreshToken: latest }),
      ...(endsAt === undefined ? {} : { end: { at: endsAt, saidAt: options.now(), isFixed: latest === undefined } }),
    }
  } catch (error) {
    throw error instanceof GrantRefused ? new SessionError('sign_in_refused', { detail: error.error }) : error
  } finally {
    redirect.dispose()
  }
}

/**
 * What a code gives is for all that the sign-in asked for, where a provider names resources by scopes. Such a token goes nowhere: a refresh
 * asks for the registry's own at once, so that a provider which has none is told of now.
 * @throws SessionError `audience_not_exact`
 */
async function registryGrant(granted: Granted, endpoint: TokenEndpoint, options: SignInOptions): Promise<Granted> {
  const { policy, scopes } = options
  const { resource } = endpoint
  const fault = (access: AccessToken) =>
    policy.audience === 'exact' ? audienceFault(access.token, resource) : undefined
  if (fault(granted.access) === undefined) return granted
  if (granted.refreshToken === undefined) throw new SessionError('audience_not_exact')
  const named = isNamed(scopes, resource) ? scopesFor(resource, scopes) : []
  const narrowed = await endpoint.refresh(granted.refreshToken, resource, named)
  const still = fault(narrowed.access)
  if (still !== undefined)
    throw new SessionError('audience_not_exact', { detail: `${new URL(resource).host}: ${still}` })
  return narrowed
}

/** Whoever it was that a plain OAuth provider let through. */
function somebody(issuer: string): Account {
  return { subject: issuer, name: new URL(issuer).host, groups: [], issuer }
}
