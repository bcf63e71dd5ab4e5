import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'

/** A device key, and proofs by it in batches (RFC 9449 section 4.2): minting one takes as long as a call. */
export class ProofMint {
  readonly thumbprint: string
  readonly #header: string
  readonly #key: KeyObject

  constructor() {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#key = createPrivateKey({
      key: privateKey.export({ format: 'der', type: 'pkcs8' }),
      format: 'der',
      type: 'pkcs8',
    })
    const { crv, kty, x, y } = privateKey.export({ format: 'jwk' })
    // RFC 7638: members in this order.
    this.thumbprint = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
    this.#header = encode({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } })
  }

  mint(count: number, url: string, token: string): string[] {
    const ath = createHash('sha256').update(token).digest('base64url')
    const iat = Math.floor(Date.now() / 1000)
    return Array.from({ length: count }, () => {
      const payload = encode({ htm: 'POST', htu: url, jti: randomUUID(), iat, ath })
      const input = `${this.#header}.${payload}`
      const signature = sign('sha256', Buffer.from(input), { key: this.#key, dsaEncoding: 'ieee-p1363' })
      return `${input}.${signature.toString('base64url')}`
    })
  }
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
