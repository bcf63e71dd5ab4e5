import { createHash, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

/** A device key as a client of our own would hold it, written from the RFCs and not from the extension's code: the two must agree. */
export class Device {
  readonly jwk: JWK
  readonly thumbprint: string
  private readonly privateKey: CryptoKey

  private constructor(jwk: JWK, thumbprint: string, privateKey: CryptoKey) {
    this.jwk = jwk
    this.thumbprint = thumbprint
    this.privateKey = privateKey
  }

  static async create(): Promise<Device> {
    const pair = await generateKeyPair('ES256', { extractable: true })
    const { kty, crv, x, y } = await exportJWK(pair.publicKey)
    const jwk = { kty, crv, x, y } as JWK
    return new Device(jwk, await calculateJwkThumbprint(jwk), pair.privateKey)
  }

  /** RFC 9449 section 4.2, with `claims` on top. */
  proof(method: string, url: string, accessToken?: string, claims: Record<string, unknown> = {}): Promise<string> {
    const ath = accessToken ? { ath: createHash('sha256').update(accessToken).digest('base64url') } : {}
    return new SignJWT({ htm: method, htu: url, jti: randomUUID(), ...ath, ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: this.jwk })
      .setIssuedAt(claims['iat'] as number | undefined)
      .sign(this.privateKey)
  }

  /** Approval receipt over any claims at all: tests make wrong ones. */
  receipt(claims: Record<string, unknown>): Promise<string> {
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', typ: 'gatehouse-approval+jwt', jwk: this.jwk })
      .sign(this.privateKey)
  }
}
