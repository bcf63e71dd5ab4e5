import { createHmac, createSign, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JWK } from 'jose'

/** Claims of any kind at all: `undefined` leaves one out. */
export type Claims = Readonly<Record<string, unknown>>

/** How a token is signed, right or wrong. */
export type TokenSigning =
  | 'issuer'
  /** A key of the right kind that the issuer does not publish. */
  | 'stranger'
  | 'RSA'
  /** HMAC-SHA-256 whose secret is the issuer's public key: its PEM, or its JWK. */
  | 'public PEM as secret'
  | 'public JWK as secret'
  | 'nothing'

/** An identity provider that signs whatever a test asks of it: real keys over real HTTP, and tokens that no real one would issue. */
export interface TestIssuer {
  readonly url: string
  /** A good `at+jwt` for `audience`, with `claims` on top; a claim that is `undefined` is left out. */
  token(
    audience: string,
    claims?: Claims,
    header?: Readonly<Record<string, unknown>>,
    signing?: TokenSigning,
  ): Promise<string>
  /** Signs with another key from now on, and publishes it; the old one with it, or not. */
  rotate(old: 'kept' | 'withdrawn'): void
  stop(): Promise<void>
}

interface SigningKey {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly jwk: JWK
}

export async function startTestIssuer(): Promise<TestIssuer> {
  let current = createKey('issuer')
  let published = [current.jwk]
  const stranger = createKey('issuer')
  let url = ''
  const server = createServer((request, response) => {
    const body =
      request.url === '/jwks'
        ? { keys: published }
        : { issuer: url, jwks_uri: `${url}/jwks`, token_endpoint: `${url}/token` }
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    async token(audience, claims = {}, header = {}, signing = 'issuer') {
      const now = Math.floor(Date.now() / 1000)
      const all = {
        iss: url,
        sub: 'ada',
        aud: audience,
        client_id: 'gatehouse-cli',
        scope: 'mcp',
        groups: ['ads'],
        jti: randomUUID(),
        iat: now,
        exp: now + 600,
        ...claims,
      }
      const data = [{ alg: 'ES256', typ: 'at+jwt', kid: current.jwk.kid, ...header }, all]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.')
      return `${data}.${signatureOf(data, signing, current, stranger).toString('base64url')}`
    },
    rotate(old) {
      current = createKey(`issuer-${randomUUID()}`)
      published = old === 'kept' ? [...published, current.jwk] : [current.jwk]
    },
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function createKey(kid: string): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    privateKey,
    publicKey,
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' },
  }
}

function signatureOf(data: string, signing: TokenSigning, current: SigningKey, stranger: SigningKey): Buffer {
  switch (signing) {
    case 'issuer':
    case 'stranger':
      return createSign('sha256')
        .update(data)
        .sign({ key: (signing === 'issuer' ? current : stranger).privateKey, dsaEncoding: 'ieee-p1363' })
    case 'RSA':
      return createSign('sha256')
        .update(data)
        .sign(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)
    case 'public PEM as secret':
      return hmac(data, current.publicKey.export({ format: 'pem', type: 'spki' }))
    case 'public JWK as secret':
      return hmac(data, JSON.stringify(current.jwk))
    case 'nothing':
      return Buffer.alloc(0)
  }
}

function hmac(data: string, secret: string | Buffer): Buffer {
  return createHmac('sha256', secret).update(data).digest()
}
