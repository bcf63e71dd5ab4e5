import type { AuthorizationServer, Client, ClientAuth, TokenEndpointResponse } from 'oauth4webapi'
import { z } from 'zod'
import { type ClockDifference, clockDifference, inWords } from '../http/clock.ts'
import type { ClientIdentity } from './client-identity.ts'
import type { BoundKey } from './device-key.ts'
import { SessionError } from './errors.ts'
import { binds, issuerFault } from './issuer-metadata.ts'
import type { SignInPolicy } from './policy.ts'
import type { Account } from './types.ts'

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'
/** Where a provider does not say how long a token lives, seconds (RFC 6749 section 5.1 recommends saying it). */
const DEFAULT_LIFE = 300

/** Seconds. */
const CLOCK_TOLERANCE = 60

/** A provider's own error code (RFC 6749 section 5.2); other text of its answer is not kept. */
const ErrorCode = z.string().regex(/^[a-z_]{1,64}$/)

export interface AccessToken {
  readonly token: string
  /** Epoch milliseconds. */
  readonly expiresAt: number
  /** How it is sent: bound to the device key (RFC 9449), or as a plain bearer (RFC 6750). */
  readonly scheme: 'DPoP' | 'Bearer'
}

export interface Granted {
  readonly access: AccessToken
  readonly refreshToken?: string
  /** When the sign-in ends if nothing renews it, epoch milliseconds of this machine's clock; absent where the provider does not say. */
  readonly endsAt?: number
  /** From the ID token, where the answer holds one. */
  readonly account?: Account
}

/** The provider answered a token request with an OAuth error. Stays inside this folder. */
export class GrantRefused extends Error {
  constructor(readonly error: string) {
    super('the token endpoint refused')
  }
}

export interface TokenEndpoint {
  /** The registry as its metadata names it. */
  readonly resource: string
  /** @throws SessionError `response_invalid` | `issuer_unreachable` | `clock_wrong`, GrantRefused */
  redeem(code: CodeGrant): Promise<Granted>
  /** @param scopes narrower than those of the sign-in (RFC 6749 section 6); none leaves them as they are */
  refresh(refreshToken: string, resource: string, scopes?: readonly string[]): Promise<Granted>
  /** Whether the provider offers RFC 8693; where not, a refresh names the resource (RFC 8707 section 2.2). */
  readonly exchanges: boolean
  /** Scopes that the provider publishes. */
  readonly scopes: readonly string[]
  /**
   * @param target RFC 8693 section 2.1: the resource as a `resource`, or by the same name as an `audience`
   * @param scopes none leaves the choice to the provider
   */
  exchange(subjectToken: string, target: ExchangeTarget, scopes: readonly string[]): Promise<Granted>
  /** RFC 7009. */
  revoke(refreshToken: string, signal: AbortSignal): Promise<void>
}

type ExchangeTarget = { readonly resource: string } | { readonly audience: string }

interface CodeGrant {
  /** Checked by `validateAuthResponse` of oauth4webapi. */
  readonly answer: URLSearchParams
  readonly redirectUri: string
  readonly verifier: string
  readonly nonce: string | undefined
  readonly resource: string
}

export interface TokenEndpointOptions {
  readonly server: AuthorizationServer
  readonly resource: string
  readonly client: ClientIdentity
  readonly policy: SignInPolicy
  readonly key: BoundKey
  /** A bounded one. */
  readonly fetch: typeof fetch
  readonly now: () => number
}

/** The identity provider's token endpoint; where the provider binds, every request carries a DPoP proof, and an answer not bound to the key is refused. */
export async function openTokenEndpoint(options: TokenEndpointOptions): Promise<TokenEndpoint> {
  const oauth = await import('oauth4webapi')
  const { server, now } = options
  const client: Client = {
    client_id: options.client.id,
    [oauth.clockTolerance]: CLOCK_TOLERANCE,
    [oauth.clockSkew]: Math.round((now() - Date.now()) / 1000),
  }
  const auth = authenticationOf(options.client)
  const bound = options.policy.binding === 'required' || binds(server)
  /** How far the provider's clock was from ours when it last answered. */
  let clock: ClockDifference | undefined
  const transport = {
    // Loopback alone can be http here: discovery and the bounded fetch have seen to it.
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: asIssuer(options.fetch, (response) => {
      clock = clockDifference(response, now())
    }),
  }
  const proof = bound ? { DPoP: oauth.DPoP(client, options.key.pair) } : {}

  /** One request, and once more when the provider asks for a nonce (RFC 9449 section 8): it refuses such a request before anything else. */
  const ask = async (
    send: () => Promise<Response>,
    read: (response: Response) => Promise<TokenEndpointResponse>,
  ): Promise<Granted> => {
    try {
      return granted(await read(await send()))
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw fault(error)
    }
    try {
      return granted(await read(await send()))
    } catch (error) {
      throw fault(error)
    }
  }

  const fault = (error: unknown): unknown => {
    if (error instanceof oauth.ResponseBodyError) {
      const code = ErrorCode.safeParse(error.error)
      const refused = code.success ? code.data : 'unknown'
      return refused === 'invalid_dpop_proof' && clock ? clockWrong(clock) : new GrantRefused(refused)
    }
    if (error instanceof SessionError || (error instanceof Error && error.name === 'AbortError')) return error
    return clock ? clockWrong(clock) : new SessionError('response_invalid')
  }

  const granted = (response: TokenEndpointResponse): Granted => {
    // RFC 9449 section 5: a provider that ignored the proof answers "Bearer", and anyone could use such a token.
    if (response.token_type !== (bound ? 'dpop' : 'bearer'))
      throw new SessionError('response_invalid', { detail: 'the token is not bound to this device' })
    const account = accountOf(oauth.getValidatedIdTokenClaims(response))
    return {
      access: {
        token: response.access_token,
        expiresAt: now() + (response.expires_in ?? DEFAULT_LIFE) * 1000,
        scheme: bound ? 'DPoP' : 'Bearer',
      },
      ...(response.refresh_token === undefined ? {} : { refreshToken: response.refresh_token }),
      ...endOf(response, now()),
      ...(account === undefined ? {} : { account }),
    }
  }

  return {
    resource: options.resource,
    exchanges: server.grant_types_supported?.includes(TOKEN_EXCHANGE) ?? false,
    redeem: ({ answer, redirectUri, verifier, nonce, resource }) =>
      ask(
        () =>
          oauth.authorizationCodeGrantRequest(server, client, auth, answer, redirectUri, verifier, {
            ...transport,
            ...proof,
            additionalParameters: { resource },
          }),
        (response) =>
          oauth.processAuthorizationCodeResponse(server, client, response, {
            ...(nonce === undefined ? {} : { expectedNonce: nonce }),
            requireIdToken: options.policy.identity === 'openid',
          }),
      ),
    scopes: server.scopes_supported ?? [],
    refresh: (refreshToken, resource, scopes = []) =>
      ask(
        () =>
          oauth.refreshTokenGrantRequest(server, client, auth, refreshToken, {
            ...transport,
            ...proof,
            additionalParameters: { resource, ...scopeParameter(scopes) },
          }),
        (response) => oauth.processRefreshTokenResponse(server, client, response),
      ),
    exchange: (subjectToken, target, scopes) =>
      ask(
        () =>
          oauth.genericTokenEndpointRequest(
            server,
            client,
            auth,
            TOKEN_EXCHANGE,
            {
              subject_token: subjectToken,
              subject_token_type: ACCESS_TOKEN_TYPE,
              ...target,
              ...scopeParameter(scopes),
            },
            { ...transport, ...proof },
          ),
        (response) => oauth.processGenericTokenEndpointResponse(server, client, response),
      ),
    revoke: async (refreshToken, signal) => {
      if (server.revocation_endpoint === undefined) return
      const parameters = { token_type_hint: 'refresh_token' }
      await oauth.revocationRequest(server, client, auth, refreshToken, {
        ...transport,
        signal,
        additionalParameters: parameters,
      })
    },
  }
}

function scopeParameter(scopes: readonly string[]): { scope?: string } {
  return scopes.length === 0 ? {} : { scope: scopes.join(' ') }
}

/**
 * RFC 6749 section 2.3.1. Ours, because the one of oauth4webapi also escapes `-`, `.` and `_`, which form encoding leaves as they are and
 * providers that compare the header's text do not expect.
 */
function authenticationOf({ id, secret }: ClientIdentity): ClientAuth {
  return (_server, _client, body, headers) => {
    if (secret?.method === 'client_secret_basic') {
      const credentials = `${formEncoded(id)}:${formEncoded(secret.value)}`
      headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`)
      return
    }
    body.set('client_id', id)
    if (secret) body.set('client_secret', secret.value)
  }
}

function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

const ACCOUNT_CLAIMS = z.object({
  iss: z.string(),
  sub: z.string().min(1),
  name: z.string().max(200).optional(),
  groups: z.array(z.string().max(128)).max(1000).optional(),
})

function accountOf(claims: unknown): Account | undefined {
  const parsed = ACCOUNT_CLAIMS.safeParse(claims)
  if (!parsed.success) return undefined
  const { iss, sub, name, groups } = parsed.data
  return { subject: sub, name: name ?? sub, groups: groups ?? [], issuer: iss }
}

/**
 * No standard says how long a refresh token lives; these two members are what providers use. A number of seconds from now, so that it holds
 * whatever this machine's clock shows; 0 is a token without an end.
 */
const RefreshLife = z.object({
  refresh_token_expires_in: z.number().nonnegative().optional(),
  refresh_expires_in: z.number().nonnegative().optional(),
})

function endOf(response: TokenEndpointResponse, now: number): { endsAt?: number } {
  if (response.refresh_token === undefined) return {}
  const life = RefreshLife.safeParse(response)
  const seconds = life.success ? (life.data.refresh_token_expires_in ?? life.data.refresh_expires_in ?? 0) : 0
  return seconds === 0 ? {} : { endsAt: now + seconds * 1000 }
}

function clockWrong(difference: ClockDifference): SessionError {
  return new SessionError('clock_wrong', { detail: inWords(difference) })
}

/** Faults of the line, and a provider that says it cannot answer now, are told apart from its refusals. */
function asIssuer(fetch: typeof globalThis.fetch, seen: (response: Response) => void): typeof globalThis.fetch {
  return async (input, init) => {
    let response: Response
    try {
      response = await fetch(input, init)
    } catch (error) {
      throw issuerFault(error)
    }
    seen(response)
    if (response.status >= 500 || response.status === 429) {
      throw new SessionError('issuer_unreachable', { detail: `it answered with status ${response.status}` })
    }
    return response
  }
}
