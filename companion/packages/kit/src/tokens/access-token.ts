import { errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { z } from 'zod'
import { AuthError } from './auth-error.ts'

/** Seconds by which clocks may differ. */
export const CLOCK_SKEW = 30

/** RFC 9068 section 2.2, and `cnf` of RFC 7800. A claim of the wrong shape makes the whole token invalid. */
const AccessTokenClaims = z.object({
  iss: z.string(),
  sub: z.string().min(1).max(256),
  aud: z.union([z.string(), z.tuple([z.string()])]),
  client_id: z.string().min(1).max(256),
  exp: z.int(),
  iat: z.int(),
  nbf: z.int().optional(),
  jti: z.string().min(1).max(256),
  scope: z.string().max(4096).default(''),
  groups: z.array(z.string().min(1).max(128)).max(1000).default([]),
  cnf: z.looseObject({ jkt: z.string().max(64).optional() }).optional(),
})
export type AccessTokenClaims = z.infer<typeof AccessTokenClaims>

export interface Expected {
  readonly issuer: string
  readonly audience: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** @throws AuthError */
export async function verifyAccessToken(
  token: string,
  keys: JWTVerifyGetKey,
  expected: Expected,
): Promise<AccessTokenClaims> {
  const { issuer, audience, now } = expected
  const { payload } = await jwtVerify(token, keys, {
    algorithms: ['ES256'],
    typ: 'at+jwt',
    issuer,
    audience,
    clockTolerance: CLOCK_SKEW,
    currentDate: new Date(now),
  }).catch((cause: unknown) => {
    throw refusal(cause, audience)
  })
  const claims = AccessTokenClaims.safeParse(payload)
  if (!claims.success)
    throw new AuthError('token_invalid', 'the access token has a claim that is missing or malformed', audience)
  // Exactly this resource: a token for several could be replayed by one of them at another.
  if (String(claims.data.aud) !== audience)
    throw new AuthError('token_invalid', 'the access token is for another resource', audience)
  if (claims.data.iat > now / 1000 + CLOCK_SKEW)
    throw new AuthError('token_invalid', 'the access token is from the future', audience)
  return claims.data
}

/** Keeps the cause only for a fault of ours: jose's claim errors carry the payload. */
function refusal(cause: unknown, audience: string): AuthError {
  if (cause instanceof errors.JWTExpired)
    return new AuthError('token_expired', 'the access token has expired', audience)
  if (cause instanceof errors.JWTClaimValidationFailed) {
    return new AuthError('token_invalid', `the access token is not for this resource (claim ${cause.claim})`, audience)
  }
  if (cause instanceof errors.JWKSTimeout || !(cause instanceof errors.JOSEError)) {
    return new AuthError('issuer_unreachable', 'the keys of the identity provider cannot be fetched', audience, {
      cause,
    })
  }
  return new AuthError('token_invalid', 'the access token cannot be verified', audience)
}
