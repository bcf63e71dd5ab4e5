import { hash } from 'node:crypto'
import {
  type ClientTerms,
  clientTerms,
  type RecordedClient,
  SELF_REGISTERED,
  type UserCaller,
} from '@gatehouse/contracts'
import { z } from 'zod'
import { BoundedMap } from '../bounded-map.ts'
import { type AccessTokenClaims, CLOCK_SKEW, clientOf, verifyAccessToken } from './access-token.ts'
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
  /** The same object for as long as the token is remembered. */
  readonly claims: AccessTokenClaims
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
/** Channels of one token whose callers are kept; more are made anew. */
const CHANNEL_LIMIT = 64
/** RFC 6750 section 2.1. */
const CREDENTIALS = /^(Bearer|DPoP) +([A-Za-z0-9\-._~+/]+=*)$/i
/** Characters; a longer token is no token of ours. */
const LONGEST_TOKEN = 8_192

const Channel = z.string().min(1).max(128).optional()

/** The one place that turns a token into a `Caller`. The token itself goes no further. */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { issuer, audience, clients, now = Date.now } = options
  const keys = createIssuerKeys(issuer, options.fetch ?? fetch, options.now)
  const proofs = createProofVerifier(audience)
  const cache = new BoundedMap<string, CachedToken>(CACHE_LIMIT)

  async function cached(token: string, tokenHash: string): Promise<CachedToken> {
    const known = cache.get(tokenHash)
    if (known) {
      if (known.claims.exp + CLOCK_SKEW > now() / 1000) return known
      cache.delete(tokenHash)
    }
    const entry = { claims: await verifyAccessToken(token, keys, { issuer, audience, now: now() }) }
    cache.set(tokenHash, entry)
    return entry
  }

  /** One `Caller` for as long as token and record are the same, by which others may remember what they found out about it. */
  function grantOf(entry: CachedToken): Grant {
    const known = clients()
    if (entry.grant?.clients === known) return entry.grant
    const terms = clientTerms(known, clientOf(entry.claims))
    if (!terms) throw new AuthError('client_unknown', 'the client is not registered for this server', audience)
    entry.grant = { clients: known, terms, byChannel: new BoundedMap(CHANNEL_LIMIT) }
    return entry.grant
  }

  /** One `Caller` for each channel of it. */
  function verifiedIn({ claims }: CachedToken, grant: Grant, said: unknown): VerifiedToken {
    const channel = Channel.safeParse(said)
    if (!channel.success) {
      const code = grant.terms.channel === 'proof' ? 'dpop_invalid' : 'token_invalid'
      throw new AuthError(code, 'the claim channel is malformed', audience)
    }
    const known = grant.byChannel.get(channel.data)
    if (known) return known
    const verified = verifiedOf(claims, grant.terms, channel.data)
    grant.byChannel.set(channel.data, verified)
    return verified
  }

  return {
    knows(authorization) {
      const token = CREDENTIALS.exec(authorization ?? '')?.[2]
      return token !== undefined && cache.get(hashOf(token)) !== undefined
    },
    async verify({ method, url, authorization, dpop }) {
      if (authorization === undefined) throw new AuthError('token_missing', 'an access token is needed', audience)
      const [, scheme, token] = CREDENTIALS.exec(authorization) ?? []
      if (!scheme || !token) throw new AuthError('token_invalid', 'the Authorization header is malformed', audience)
      if (token.length > LONGEST_TOKEN) throw new AuthError('token_too_long', 'the access token is too long', audience)
      const tokenHash = hashOf(token)
      const entry = await cached(token, tokenHash)
      const grant = grantOf(entry)
      const { terms } = grant

      const { cnf } = entry.claims
      let proven: { readonly channel: unknown } | undefined
      if (scheme.toLowerCase() === 'dpop') {
        const thumbprint = cnf?.jkt
        if (!thumbprint) throw new AuthError('dpop_invalid', 'the access token is not bound to a key', audience)
        // The key would sign approvals, and a client that registered itself must not approve its own writes.
        if (terms.clientId.startsWith(SELF_REGISTERED))
          throw new AuthError('dpop_invalid', 'this client may not hold a device key', audience)
        proven = proofs.verify({ proof: dpop, tokenHash, thumbprint, method, url, now: now() })
      } else if (cnf || !terms.bearer) {
        throw new AuthError('bearer_not_allowed', 'the access token must be used with DPoP', audience)
      }
      const said = { proof: proven?.channel, token: entry.claims.channel }
      return verifiedIn(entry, grant, terms.channel && said[terms.channel])
    },
  }
}

interface CachedToken {
  readonly claims: AccessTokenClaims
  grant?: Grant
}

/** What a token amounts to under one record. */
interface Grant {
  readonly clients: readonly RecordedClient[]
  readonly terms: ClientTerms
  readonly byChannel: BoundedMap<string | undefined, VerifiedToken>
}

function verifiedOf(
  claims: AccessTokenClaims,
  { clientId, surface, deviceKey }: ClientTerms,
  channel: string | undefined,
): VerifiedToken {
  const thumbprint = claims.cnf?.jkt
  return {
    caller: {
      kind: 'user',
      subject: claims.sub,
      groups: claims.groups ?? [],
      ...(claims.roles && { roles: claims.roles }),
      ...(claims.scope.length > 0 && { scopes: claims.scope }),
      client: clientId,
      surface,
      ...(channel !== undefined && { channel }),
      // A key that is nobody's own device approves nothing.
      ...(thumbprint && deviceKey && { keyThumbprint: thumbprint }),
    },
    scopes: claims.scope,
    expiresAt: claims.exp,
    claims,
  }
}

/** Also what a DPoP proof says of its token (`ath`, RFC 9449 section 4.2). */
function hashOf(token: string): string {
  return hash('sha256', token, 'base64url')
}
