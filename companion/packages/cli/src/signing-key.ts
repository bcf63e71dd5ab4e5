import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'

/** A P-256 key that signs as ES256. */
export interface SigningKey {
  /** RFC 7638. */
  readonly thumbprint: string
  /** A compact JWS whose header carries the public key. */
  sign(typ: string, claims: Readonly<Record<string, unknown>>): Promise<string>
}

/** A key that lives for one command and cannot be read out. */
export async function newSigningKey(): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  return signingKey(privateKey, await exportJWK(publicKey))
}

/** A new key as a private JWK (RFC 7517), to be kept. */
export async function newPrivateJwk(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  return exportJWK(privateKey)
}

/** @param jwk private, of the curve P-256 @throws Error for another key */
export async function importSigningKey(jwk: JWK): Promise<SigningKey> {
  const key = await importJWK(jwk, 'ES256')
  if (key instanceof Uint8Array || key.type !== 'private') throw new TypeError('not a private key')
  return signingKey(key, jwk)
}

async function signingKey(privateKey: CryptoKey, { kty, crv, x, y }: JWK): Promise<SigningKey> {
  const jwk = Object.fromEntries(Object.entries({ kty, crv, x, y }).filter(([, value]) => value !== undefined))
  return {
    thumbprint: await calculateJwkThumbprint(jwk),
    sign: (typ, claims) => new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', typ, jwk }).sign(privateKey),
  }
}
