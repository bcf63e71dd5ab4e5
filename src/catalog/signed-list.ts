import { LIST_TYP, ListClaims } from '@gatehouse/contracts'
import { CatalogError } from './errors.ts'
import type { PublicKey } from './keys.ts'

/** How far ahead of this machine's the registry's clock may be, seconds. */
const CLOCK_SKEW = 300

export interface ListExpectation {
  readonly registryUrl: string
  readonly subject: string
  readonly clientId: string
  /** Epoch milliseconds. */
  readonly now: number
  key(kid: string): Promise<PublicKey | undefined>
}

/**
 * The claims of a signed list that may be used now: signed (ES256) by a key of the registry, of this type (RFC 8725 section 3.11), by this
 * registry, for this person and this client, not expired.
 * @throws CatalogError `list_signature` | `list_expired` | `list_invalid`, and what `key` throws
 */
export async function verifyList(jws: string, expected: ListExpectation): Promise<ListClaims> {
  const { decodeProtectedHeader, errors, importJWK, jwtVerify } = await import('jose')
  let kid: unknown
  try {
    kid = decodeProtectedHeader(jws).kid
  } catch {
    throw new CatalogError('list_signature', { detail: 'it is not a signed list' })
  }
  const jwk = typeof kid === 'string' ? await expected.key(kid) : undefined
  if (!jwk) throw new CatalogError('list_signature', { detail: 'signed by a key that is not the registry’s' })
  let payload: unknown
  try {
    const key = await importJWK(jwk, 'ES256')
    const verified = await jwtVerify(jws, key, {
      algorithms: ['ES256'],
      typ: LIST_TYP,
      issuer: expected.registryUrl,
      subject: expected.subject,
      audience: expected.clientId,
      requiredClaims: ['exp', 'iat'],
      currentDate: new Date(expected.now),
    })
    payload = verified.payload
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new CatalogError('list_expired')
    if (error instanceof errors.JWTClaimValidationFailed) {
      throw new CatalogError('list_invalid', { detail: `its ${error.claim} is wrong` })
    }
    throw new CatalogError('list_signature')
  }
  const claims = ListClaims.safeParse(payload)
  if (!claims.success) throw new CatalogError('list_invalid', { detail: 'its form is wrong' })
  if (claims.data.exp <= claims.data.iat) throw new CatalogError('list_invalid', { detail: 'it ends before it begins' })
  if (claims.data.iat * 1000 > expected.now + CLOCK_SKEW * 1000) {
    throw new CatalogError('list_invalid', { detail: 'it is from the future: check the clock of this machine' })
  }
  // jose compares whole seconds.
  if (claims.data.exp * 1000 <= expected.now) throw new CatalogError('list_expired')
  return claims.data
}
