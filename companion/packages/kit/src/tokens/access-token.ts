import { compactVerify, type CompactVerifyGetKey, decodeProtectedHeader, errors } from 'jose'
import { z } from 'zod'
import { AuthError } from './auth-error.ts'
import { KeysUnavailable } from './issuer-keys.ts'

/** Seconds by which clocks may differ. */
export const CLOCK_SKEW = 30

/** RFC 7518 section 3.1 and RFC 8037, as far as the key that verifies is not the key that signs. */
const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512', 'EdDSA'] as const

/** RFC 9068 section 2.1. */
const Header = z.looseObject({
  alg: z.enum(ALGORITHMS),
  typ: z.string().regex(/^(application\/)?at\+jwt$/i),
  /** An extension that must be understood, and none is (RFC 7515 section 4.1.11). */
  crit: z.undefined().optional(),
})

/** One answer for all that is wrong before a claim is looked at: whoever forges learns nothing from it. */
const UNVERIFIABLE = 'the access token cannot be verified'

const Names = z.array(z.string().min(1).max(128)).max(1000)

/** RFC 9068 section 2.2, and `cnf` of RFC 7800. A claim of the wrong shape makes the whole token invalid. */
const AccessTokenClaims = z
  .object({
    iss: z.string(),
    sub: z.string().min(1).max(256),
    aud: z.union([z.string(), z.tuple([z.string()])]),
    client_id: z.string().min(1).max(256).optional(),
    /** The client, of providers that write no `client_id` (Keycloak; OpenID Connect Core section 2). */
    azp: z.string().min(1).max(256).optional(),
    exp: z.int(),
    iat: z.int(),
    nbf: z.int().optional(),
    jti: z.string().min(1).max(256),
    scope: z
      .string()
      .max(4096)
      .default('')
      .transform((text) => text.split(' ').filter(Boolean))
      .pipe(z.array(z.string().max(256)).max(200)),
    groups: Names.optional(),
    roles: Names.optional(),
    /** Read only of a client whose terms say that its channel is in the token. */
    channel: z.unknown().optional(),
    cnf: z.looseObject({ jkt: z.string().max(64).optional() }).optional(),
  })
  .refine(({ client_id, azp }) => client_id !== undefined || azp !== undefined, 'no client')
export type AccessTokenClaims = z.infer<typeof AccessTokenClaims>

export interface Expected {
  readonly issuer: string
  readonly audience: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** @returns the id of the client that the token was issued to */
export function clientOf({ client_id, azp }: AccessTokenClaims): string {
  return client_id ?? azp ?? ''
}

/** @throws AuthError */
export async function verifyAccessToken(
  token: string,
  keys: CompactVerifyGetKey,
  expected: Expected,
): Promise<AccessTokenClaims> {
  checkHeader(token, expected)
  const { payload } = await compactVerify(token, keys, {
    algorithms: [...ALGORITHMS],
  }).catch((cause: unknown) => {
    throw refusal(cause, expected.audience)
  })
  return checkClaims(
    decoded(() => JSON.parse(Buffer.from(payload).toString('utf8')) as unknown, expected),
    expected,
  )
}

function checkHeader(token: string, { audience }: Expected): void {
  const header = decoded(() => decodeProtectedHeader(token), { audience })
  if (!Header.safeParse(header).success) throw new AuthError('token_invalid', UNVERIFIABLE, audience)
}

/** RFC 7519 section 4.1, RFC 9068 section 4. */
function checkClaims(payload: unknown, { issuer, audience, now }: Expected): AccessTokenClaims {
  const parsed = AccessTokenClaims.safeParse(payload)
  if (!parsed.success)
    throw new AuthError('token_invalid', 'the access token has a claim that is missing or malformed', audience)
  const { iss, aud, exp, nbf, iat } = parsed.data
  const refuse = (what: string): never => {
    throw new AuthError('token_invalid', `the access token is ${what}`, audience)
  }
  if (iss !== issuer) refuse('of another issuer')
  // Exactly this resource: a token for several could be replayed by one of them at another.
  if (String(aud) !== audience) refuse('for another resource')
  const seconds = Math.floor(now / 1000)
  if (exp <= seconds - CLOCK_SKEW) throw new AuthError('token_expired', 'the access token has expired', audience)
  if (nbf !== undefined && nbf > seconds + CLOCK_SKEW) refuse('not valid yet')
  if (iat > seconds + CLOCK_SKEW) refuse('from the future')
  return parsed.data
}

function decoded<T>(decode: () => T, { audience }: Pick<Expected, 'audience'>): T {
  try {
    return decode()
  } catch {
    throw new AuthError('token_invalid', UNVERIFIABLE, audience)
  }
}

/** Keeps the cause only for a fault of ours: errors about a token may carry what is in it. */
function refusal(cause: unknown, audience: string): AuthError {
  if (cause instanceof errors.JOSEError) return new AuthError('token_invalid', UNVERIFIABLE, audience)
  const options = cause instanceof KeysUnavailable ? { cause } : {}
  return new AuthError('issuer_unreachable', 'the keys of the identity provider cannot be fetched', audience, options)
}
