import { SpiffeId, trustDomainOf } from '@gatehouse/contracts'
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose'
import { z } from 'zod'
import { CLOCK_SKEW } from '../tokens/access-token.ts'
import { SpiffeError } from './spiffe-error.ts'

/** JWT-SVID section 2.1: signatures by a key pair and nothing else. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512']
const LONGEST_TOKEN = 8192

/** JWT-SVID section 2: no other header may be there. A bundle's keys are told apart by their ids, so ours must name one. */
const Header = z.strictObject({
  alg: z.enum(ALGORITHMS),
  kid: z.string().min(1).max(256),
  typ: z.enum(['JWT', 'JOSE']).optional(),
})
/** RFC 7519 section 4.1.3: one audience may stand alone or in an array. */
const Claims = z.object({ sub: SpiffeId, aud: z.union([z.string(), z.tuple([z.string()])]), exp: z.number() })

const Kid = z.string().min(1).max(256)
/** The public half of a key for one of the algorithms. */
const Key = z.discriminatedUnion('kty', [
  z.object({ kty: z.literal('EC'), kid: Kid, crv: z.string(), x: z.string(), y: z.string() }),
  z.object({ kty: z.literal('RSA'), kid: Kid, n: z.string(), e: z.string() }),
])
const JwtBundle = z.object({ keys: z.array(z.looseObject({ use: z.unknown().optional() })).max(100) })

/** The keys by which one trust domain signs JWT-SVIDs. */
export type JwtAuthorities = JWTVerifyGetKey

/**
 * Keys that are for other things, or of a kind that is not known here, are left out, as SPIFFE bundle section 4.2 wants it.
 * @param json JWKS document
 * @throws SpiffeError `workload_api_failed`
 */
export function readJwtBundle(json: string): JwtAuthorities {
  try {
    const { keys } = JwtBundle.parse(JSON.parse(json))
    // Without `use`: jose takes any but its own for a key of other things.
    const usable = keys.filter(({ use }) => use === undefined || use === 'jwt-svid').map((key) => Key.safeParse(key))
    return createLocalJWKSet({ keys: usable.flatMap(({ data }) => data ?? []) })
  } catch (cause) {
    throw new SpiffeError('workload_api_failed', 'a bundle of JWT authorities is malformed', { cause })
  }
}

export interface ExpectedSvid {
  readonly audience: string
  readonly authorities: (trustDomain: string) => JwtAuthorities | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

/**
 * The workload that a JWT-SVID speaks for: JWT-SVID sections 3 and 4, with one audience and no more (section 6.2: one of several could replay it).
 * @throws SpiffeError `svid_invalid`, `svid_expired`
 */
export async function verifyJwtSvid(token: string, expected: ExpectedSvid): Promise<SpiffeId> {
  const { audience, authorities, now } = expected
  const { sub, aud } = readUnverified(token)
  const keys = authorities(trustDomainOf(sub))
  if (!keys) throw invalid('is of a trust domain that is not trusted here')
  if (String(aud) !== audience) throw invalid('is for another audience')
  const options = { algorithms: ALGORITHMS, audience, clockTolerance: CLOCK_SKEW, currentDate: new Date(now) }
  const { payload } = await jwtVerify(token, keys, options).catch((error: unknown) => {
    if (error instanceof errors.JWTExpired) throw new SpiffeError('svid_expired', 'the JWT-SVID has expired')
    // The causes of jose carry the payload.
    throw invalid(
      error instanceof errors.JWTClaimValidationFailed ? `has a bad claim ${error.claim}` : 'cannot be verified',
    )
  })
  if (payload.iat !== undefined && payload.iat > now / 1000 + CLOCK_SKEW) throw invalid('is from the future')
  return sub
}

/** Its shape, before anything is believed of it. */
function readUnverified(token: string): z.infer<typeof Claims> {
  if (token.length > LONGEST_TOKEN) throw invalid('is too long')
  let header: unknown
  let payload: JWTPayload
  try {
    header = decodeProtectedHeader(token)
    payload = decodeJwt(token)
  } catch {
    throw invalid('is malformed')
  }
  if (!Header.safeParse(header).success) throw invalid('has a header that a JWT-SVID may not have')
  const claims = Claims.safeParse(payload)
  if (!claims.success) throw invalid(`has a bad claim ${String(claims.error.issues[0]?.path[0] ?? '')}`)
  return claims.data
}

function invalid(what: string): SpiffeError {
  return new SpiffeError('svid_invalid', `the JWT-SVID ${what}`)
}
