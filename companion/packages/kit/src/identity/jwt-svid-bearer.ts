import { decodeJwt, type JWTPayload } from 'jose'

const BEARER = /^Bearer +([A-Za-z0-9_-]{1,8192}\.[A-Za-z0-9_-]{1,8192}\.[A-Za-z0-9_-]{1,8192})$/i

/**
 * Whether a header carries what says that it is a JWT-SVID: by its subject (JWT-SVID section 3.1), and not from the identity provider, whose tokens
 * are a person's whatever their subject. Nothing of it is verified.
 * @returns the token, or undefined
 */
export function claimsJwtSvid(authorization: string | undefined, issuer: string): string | undefined {
  const token = BEARER.exec(authorization ?? '')?.[1]
  if (token === undefined) return undefined
  const { sub, iss } = payloadOf(token)
  return typeof sub === 'string' && sub.startsWith('spiffe://') && iss !== issuer ? token : undefined
}

function payloadOf(token: string): JWTPayload {
  try {
    return decodeJwt(token)
  } catch {
    return {}
  }
}
