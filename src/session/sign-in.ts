import { authorize } from './authorization.ts'
import type { BoundKey } from './device-key.ts'
import type { Discovery } from './discovery.ts'
import { SessionError } from './errors.ts'
import type { RedirectFactory } from './redirect/redirect.ts'
import { type AccessToken, GrantRefused, type TokenEndpoint } from './token-endpoint.ts'
import type { Account } from './types.ts'
import { untilAborted } from './until-aborted.ts'

export interface SignInOptions {
  readonly registry: string
  readonly discovery: Discovery
  readonly clientId: string
  readonly key: BoundKey
  readonly endpoint: TokenEndpoint
  readonly redirects: RedirectFactory
  openExternal(url: string): Promise<boolean>
  readonly signal: AbortSignal
}

export interface SignedIn {
  readonly account: Account
  readonly refreshToken: string
  /** For the registry itself. */
  readonly access: AccessToken
}

/** The part of a sign-in that a person sees: their browser, the provider's page, the answer, and the code turned into tokens. */
export async function signInWithBrowser(options: SignInOptions): Promise<SignedIn> {
  const { discovery, registry, signal } = options
  const redirect = await options.redirects(discovery.issuer)
  try {
    const authorization = await authorize({
      server: discovery.server,
      clientId: options.clientId,
      redirectUri: redirect.uri,
      resource: registry,
      scopes: discovery.scopes,
      keyThumbprint: options.key.thumbprint,
    })
    signal.throwIfAborted()
    // Listening starts before the browser does, so that no answer is missed.
    const answer = redirect.wait(signal)
    answer.catch(() => {})
    if (!(await untilAborted(options.openExternal(authorization.url), signal)))
      throw new SessionError('browser_not_opened')
    const granted = await options.endpoint.redeem({
      answer: await authorization.check(await answer),
      redirectUri: redirect.uri,
      verifier: authorization.verifier,
      nonce: authorization.nonce,
      resource: registry,
    })
    const { account, refreshToken, access } = granted
    if (!account || refreshToken === undefined) {
      throw new SessionError('response_invalid', { detail: account ? 'no refresh token' : 'no ID token' })
    }
    return { account, refreshToken, access }
  } catch (error) {
    throw error instanceof GrantRefused ? new SessionError('sign_in_refused', { detail: error.error }) : error
  } finally {
    redirect.dispose()
  }
}
