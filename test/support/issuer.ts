import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

/** Claims of any kind at all: `undefined` leaves one out. */
export type Claims = Readonly<Record<string, unknown>>

/** An identity provider that signs whatever a test asks of it: real keys over real HTTP, and tokens that no real one would issue. */
export interface TestIssuer {
  readonly url: string
  /** A good `at+jwt` for `audience`, with `claims` on top; a claim that is `undefined` is left out. */
  token(audience: string, claims?: Claims, header?: { typ?: string; kid?: string }): Promise<string>
  stop(): Promise<void>
}

export async function startTestIssuer(): Promise<TestIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'issuer', alg: 'ES256', use: 'sig' }
  let url = ''
  const server = createServer((request, response) => {
    const body =
      request.url === '/jwks'
        ? { keys: [jwk] }
        : { issuer: url, jwks_uri: `${url}/jwks`, token_endpoint: `${url}/token` }
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    token(audience, claims = {}, header = {}) {
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
      const present = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
      return new SignJWT(present)
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'issuer', ...header })
        .sign(privateKey)
    },
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
