import { createHash } from 'node:crypto'
import { clientTerms, type RecordedClient, type UserCaller } from '@gatehouse/contracts'
import { BoundedMap } from '../bounded-map.ts'
import { type AccessTokenClaims, CLOCK_SKEW, verifyAccessToken } from './access-token.ts'
import { AuthError } from './auth-error.ts'
import { createProofVerifier } from './dpop.ts'
import { createIssuerKeys } from './issuer-keys.ts'

export interface TokenVerifierOptions {
  /** `iss`, and where its keys are discovered. */
  readonly issuer: string
  /** RFC 8707 resource that tokens must be for, and for nothing else. */
  readonly audience: string
  /** The clients that the registry knows; asked on every call, since the record may change. */
  readonly clients: () => readonly RecordedClient[]
  readonly fetch?: typeof fetch
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

export interface VerifiedToken {
  readonly caller: UserCaller
  readonly scopes: readonly string[]
  /** Seconds since the epoch. */
  readonly expiresAt: number
}

export interface TokenRequest {
  readonly method: string
  /** Public URL, for the `htu` of the DPoP proof. */
  readonly url: string
  readonly authorization?: string | undefined
  readonly dpop?: string | undefined
}

export interface TokenVerifier {
  /** @throws AuthError */
  verify(request: TokenRequest): Promise<VerifiedToken>
  /** Whether the token in this header was found good before: looking is cheap, whatever is in it. */
  knows(authorization: string | undefined): boolean
}

/** Verified tokens kept at most, by their SHA-256. */
const CACHE_LIMIT = 10_000
/** RFC 6750 section 2.1; a token longer than this is no token of ours. */
const CREDENTIALS = /^(Bearer|DPoP) +([A-Za-z0-9\-._~+/]{1,8192}=*)$/i

/** The one place that turns a token into a `Caller`. The token itself goes no further. */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { issuer, audience, clients, now = Date.now } = options
  const keys = createIssuerKeys(issuer, options.fetch ?? fetch)
  const proofs = createProofVerifier(audience)
  const verified = new BoundedMap<string, AccessTokenClaims>(CACHE_LIMIT)

  async function claimsOf(token: string): Promise<AccessTokenClaims> {
    const hash = hashOf(token)
    const known = verified.get(hash)
    if (known) {
      if (known.exp + CLOCK_SKEW > now() / 1000) return known
      verified.delete(hash)
    }
    const claims = await verifyAccessToken(token, keys, { issuer, audience, now: now() })
    verified.set(hash, claims)
    return claims
  }

  return {
    knows(authorization) {
      const token = CREDENTIALS.exec(authorization ?? '')?.[2]
      return token !== undefined && verified.get(hashOf(token)) !== undefined
    },
    async verify({ method, url, authorization, dpop }) {
      if (authorization === undefined) throw new AuthError('token_missing', 'an access token is needed', audience)
      const [, scheme, token] = CREDENTIALS.exec(authorization) ?? []
      if (!scheme || !token) throw new AuthError('token_invalid', 'the Authorization header is malformed', audience)
      const claims = await claimsOf(token)
      const client = clientTerms(clients(), claims.client_id)
      if (!client) throw new AuthError('client_unknown', 'the client is not registered for this server', audience)

      const thumbprint = claims.cnf?.jkt
      if (scheme.toLowerCase() === 'dpop') {
        if (!thumbprint) throw new AuthError('dpop_invalid', 'the access token is not bound to a key', audience)
        // The key would sign approvals, and a client that registered itself must not approve its own writes.
        if (!client.deviceKey) throw new AuthError('dpop_invalid', 'this client may not hold a device key', audience)
        await proofs.verify({ proof: dpop, token, thumbprint, method, url, now: now() })
      } else if (claims.cnf || !client.bearer) {
        throw new AuthError('bearer_not_allowed', 'the access token must be used with DPoP', audience)
      }
      return {
        caller: {
          kind: 'user',
          subject: claims.sub,
          groups: claims.groups,
          client: client.clientId,
          surface: client.surface,
          ...(thumbprint && { keyThumbprint: thumbprint }),
        },
        scopes: claims.scope.split(' ').filter(Boolean),
        expiresAt: claims.exp,
      }
    },
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64')
}
