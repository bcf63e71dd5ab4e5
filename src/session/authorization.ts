import type { AuthorizationServer } from 'oauth4webapi'
import { SessionError } from './errors.ts'

/** One authorization request under way: what only this window knows, and the address to open. */
export interface Authorization {
  readonly url: string
  readonly verifier: string
  /** Where an ID token is asked for, which must hold it. */
  readonly nonce: string | undefined
  /** Checks `state`, `iss` (RFC 9207) and errors, in this order. @throws SessionError */
  check(answer: URLSearchParams): Promise<URLSearchParams>
}

export interface AuthorizationRequest {
  readonly server: AuthorizationServer
  readonly clientId: string
  readonly redirectUri: string
  readonly resource: string
  /** None at all leaves the choice to the provider. */
  readonly scopes: readonly string[]
  /** RFC 7638 thumbprint: binds the code itself to the device key (RFC 9449 section 10), where the provider binds. */
  readonly keyThumbprint: string | undefined
}

/** Authorization code with PKCE S256 (RFC 7636), `state`, `nonce`, and the resource (RFC 8707). */
export async function authorize(request: AuthorizationRequest): Promise<Authorization> {
  const oauth = await import('oauth4webapi')
  const { server } = request
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const nonce = request.scopes.includes('openid') ? oauth.generateRandomNonce() : undefined
  const url = new URL(server.authorization_endpoint as string)
  const parameters = {
    response_type: 'code',
    client_id: request.clientId,
    redirect_uri: request.redirectUri,
    scope: request.scopes.join(' ') || undefined,
    resource: request.resource,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    dpop_jkt: request.keyThumbprint,
  }
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value)
  return {
    url: url.href,
    verifier,
    nonce,
    check: async (answer) => {
      if (answer.getAll('state').length !== 1 || answer.get('state') !== state) throw new SessionError('state_mismatch')
      const iss = answer.getAll('iss')
      const expected = server.authorization_response_iss_parameter_supported === true || iss.length > 0
      if (expected && (iss.length !== 1 || iss[0] !== server.issuer)) throw new SessionError('issuer_mismatch')
      if (answer.get('error') === 'access_denied') throw new SessionError('sign_in_cancelled')
      if (answer.has('error')) throw new SessionError('sign_in_refused', { detail: knownError(answer.get('error')) })
      // RFC 6749 section 3.1: no parameter comes twice; of two codes nobody could say which is this sign-in's.
      if (answer.getAll('code').length !== 1) throw new SessionError('response_invalid')
      try {
        return oauth.validateAuthResponse(server, { client_id: request.clientId }, answer, state)
      } catch {
        throw new SessionError('response_invalid')
      }
    },
  }
}

/** The provider's text came through a browser: only codes of RFC 6749 section 4.1.2.1 and OpenID Connect Core 3.1.2.6 are repeated. */
function knownError(error: string | null): string {
  const known = [
    'invalid_request',
    'unauthorized_client',
    'unsupported_response_type',
    'invalid_scope',
    'invalid_target',
    'server_error',
    'temporarily_unavailable',
    'login_required',
    'interaction_required',
    'consent_required',
  ]
  return known.find((code) => code === error) ?? 'unknown error'
}
