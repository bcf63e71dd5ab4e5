import { createHmac, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint, type JWK } from 'jose'
import type { Jwk, Signing } from './attack.ts'

/** Order of the group of P-256 (FIPS 186-5, D.1.2.3). */
const ORDER = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')

/** A device key whose private part is at hand, so that a test can sign anything at all with it, in any way. */
export interface ForgingKey {
  readonly privateKey: KeyObject
  readonly jwk: JWK
  readonly thumbprint: string
}

export async function createForgingKey(): Promise<ForgingKey> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' })
  const jwk = { kty, crv, x, y } as JWK
  return { privateKey, jwk, thumbprint: await calculateJwkThumbprint(jwk) }
}

const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })

export interface Forging {
  /** JSON text. */
  readonly header: string
  readonly claims: string
  readonly signed: Signing
  readonly device: ForgingKey
  readonly other: ForgingKey
}

/** The three parts of a compact JWS over exactly these texts. */
export function forge({ header, claims, signed, device, other }: Forging): readonly [string, string, string] {
  const parts = [encode(header), encode(claims)] as const
  const signature = signatureOf(parts.join('.'), signed, device, other)
  return [...parts, signature.toString('base64url')]
}

export function jwkOf(which: Jwk, device: ForgingKey, other: ForgingKey): object | undefined {
  switch (which) {
    case 'device':
      return device.jwk
    case 'another device':
      return other.jwk
    case 'with the private key':
      return { ...device.jwk, d: device.privateKey.export({ format: 'jwk' }).d }
    case 'P-384':
      return p384.publicKey.export({ format: 'jwk' })
    case 'RSA':
      return rsa.publicKey.export({ format: 'jwk' })
    case 'symmetric':
      return { kty: 'oct', k: encode(JSON.stringify(device.jwk)) }
    case 'off the curve':
      return { ...device.jwk, y: device.jwk.x }
    case 'absent':
      return undefined
  }
}

function signatureOf(data: string, signed: Signing, device: ForgingKey, other: ForgingKey): Buffer {
  switch (signed) {
    case 'device':
      return ecdsa(data, device.privateKey, 'sha256')
    case 'another device':
      return ecdsa(data, other.privateKey, 'sha256')
    case 'P-384':
      return ecdsa(data, p384.privateKey, 'sha384')
    case 'RSA':
      return createSign('sha256').update(data).sign(rsa.privateKey)
    case 'public key as secret':
      return createHmac('sha256', JSON.stringify(device.jwk)).update(data).digest()
    case 'zeros':
      return Buffer.alloc(64)
    case 'DER':
      return createSign('sha256').update(data).sign(device.privateKey)
    case 'malleated':
      return malleated(ecdsa(data, device.privateKey, 'sha256'))
    case 'nothing':
      return Buffer.alloc(0)
  }
}

/** RFC 7518 section 3.4: R and S side by side. */
function ecdsa(data: string, key: KeyObject, hash: string): Buffer {
  return createSign(hash).update(data).sign({ key, dsaEncoding: 'ieee-p1363' })
}

function malleated(signature: Buffer): Buffer {
  const s = ORDER - BigInt(`0x${signature.subarray(32).toString('hex')}`)
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')])
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url')
}
