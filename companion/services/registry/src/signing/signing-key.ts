import { PrivateJwk } from '@gatehouse/contracts'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import { RegistryError } from '../registry-error.ts'

export interface SigningKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string
  readonly publicJwk: JWK
  /** Compact JWS (RFC 7515, ES256) whose header has `typ`, so that one kind of statement is never taken for another (RFC 8725 section 3.11). */
  sign(typ: string, claims: Readonly<Record<string, unknown>>): Promise<string>
}

export async function generateJwk(): Promise<PrivateJwk> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  return PrivateJwk.parse(await exportJWK(privateKey))
}

/** @throws RegistryError `signing_key_invalid` */
export async function signingKey(jwk: PrivateJwk): Promise<SigningKey> {
  const { kty, crv, x, y } = jwk
  const kid = await calculateJwkThumbprint({ kty, crv, x, y })
  const key = await importJWK(jwk, 'ES256').catch((cause: unknown) => {
    throw new RegistryError('signing_key_invalid', 'the stored signing key cannot be used', { cause })
  })
  return {
    kid,
    publicJwk: { kty, crv, x, y, kid, alg: 'ES256', use: 'sig' },
    sign: (typ, claims) => new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', typ, kid }).sign(key),
  }
}
