import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { authorizedFetch, type AuthorizedFetchOptions } from '../../src/session/authorized-fetch.ts'
import { type BoundKey, generateKey, openKey } from '../../src/session/device-key.ts'
import { SessionError } from '../../src/session/errors.ts'
import { verifies } from '../requirements.ts'
import { type HttpServer, serve } from '../support/http-server.ts'

let server: HttpServer
let key: BoundKey
let issued: number
let respond: (response: import('node:http').ServerResponse, n: number) => void
let bodies: string[]
beforeEach(async () => {
  key = await openKey(await generateKey(), Date.now)
  issued = 1
  bodies = []
  server = await serve((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (part: string) => {
      body += part
    })
    request.on('end', () => {
      bodies.push(body)
      respond(response, server.requests.length)
    })
  })
})
afterEach(() => server.close())

const nonces = new Map<string, string>()
const open = (change: Partial<AuthorizedFetchOptions> = {}) =>
  authorizedFetch({
    resource: `${server.url}/mcp`,
    fetch,
    tokenFor: async () => ({ token: `token-${issued}`, scheme: 'DPoP' }),
    reject: (_resource, token) => {
      if (token === `token-${issued}`) issued++
    },
    widen: async () => {
      throw new SessionError('scope_needed')
    },
    key: async () => key,
    nonces,
    ...change,
  })
const proofOf = async (n: number) => {
  const { headers } = server.requests[n] as import('node:http').IncomingMessage
  return {
    headers,
    ...(await jwtVerify(headers['dpop'] as string, EmbeddedJWK, { typ: 'dpop+jwt', algorithms: ['ES256'] })),
  }
}

describe('authorizedFetch', () => {
  test('sends the token with a proof of RFC 9449 for exactly this request', async () => {
    verifies('AUTH-6.1')
    respond = (response) => response.end('ok')
    await open()(`${server.url}/mcp?x=1#f`, { method: 'POST', body: '{}', headers: { 'x-own': '1' } })
    const { headers, payload, protectedHeader } = await proofOf(0)
    expect([headers.authorization, headers['x-own'], bodies[0]]).toEqual(['DPoP token-1', '1', '{}'])
    expect(payload).toEqual({
      jti: expect.any(String) as string,
      htm: 'POST',
      htu: `${server.url}/mcp`,
      iat: expect.any(Number) as number,
      ath: createHash('sha256').update('token-1').digest('base64url'),
    })
    expect(await calculateJwkThumbprint(protectedHeader.jwk as object)).toBe(key.thumbprint)
    expect(protectedHeader.jwk).not.toHaveProperty('d')
  })

  test('repeats once with the nonce that the server asks for, and uses it from then on', async () => {
    respond = (response, n) => {
      if (n === 1)
        response.writeHead(401, { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'n1' }).end()
      else response.end('ok')
    }
    expect((await open()(`${server.url}/mcp`, { method: 'POST', body: 'again' })).status).toBe(200)
    await open()(`${server.url}/mcp`)
    expect([(await proofOf(1)).payload['nonce'], (await proofOf(2)).payload['nonce']]).toEqual(['n1', 'n1'])
    expect([bodies[1], issued]).toEqual(['again', 1])
  })

  test('fetches one fresh token after a 401, and gives the second 401 to the caller', async () => {
    respond = (response) => response.writeHead(401, { 'www-authenticate': 'DPoP error="invalid_token"' }).end()
    expect((await open()(`${server.url}/mcp`)).status).toBe(401)
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['DPoP token-1', 'DPoP token-2'])
  })

  test('repeats once with a wider token when the scope did not do', async () => {
    verifies('AUTH-5.3')
    const wanted: unknown[] = []
    respond = (response) =>
      response.writeHead(403, { 'www-authenticate': 'DPoP error="insufficient_scope", scope="a b"' }).end()
    const widening = open({
      widen: async (resource, token, scopes) => {
        wanted.push([resource, token, scopes])
        if (issued++ > 1) throw new SessionError('scope_refused')
      },
    })
    await expect(widening(`${server.url}/mcp`, { method: 'POST', body: '{}' })).rejects.toMatchObject({
      code: 'scope_refused',
    })
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['DPoP token-1', 'DPoP token-2'])
    expect(wanted).toEqual([1, 2].map((n) => [`${server.url}/mcp`, `token-${n}`, ['a', 'b']]))
  })

  test('a resource that refuses every token in every way is left after a few requests', async () => {
    let n = 0
    respond = (response) => {
      const challenges = ['use_dpop_nonce', 'invalid_token', 'insufficient_scope']
      const error = challenges[n++ % 3] as string
      const status = error === 'insufficient_scope' ? 403 : 401
      response.writeHead(status, { 'www-authenticate': `DPoP error="${error}"`, 'dpop-nonce': `n${n}` }).end()
    }
    const answer = await open({ widen: async () => undefined })(`${server.url}/mcp`, { method: 'POST', body: '{}' })
    expect([answer.status, server.requests.length]).toEqual([401, 4])
  })

  test('gives other refusals to the caller at once', async () => {
    respond = (response) => response.writeHead(403).end()
    expect((await open()(`${server.url}/mcp`)).status).toBe(403)
    expect(server.requests).toHaveLength(1)
  })

  test('does not repeat a body that can be read only once', async () => {
    respond = (response) => response.writeHead(401).end()
    const body = new Blob(['once']).stream()
    expect((await open()(`${server.url}/mcp`, { method: 'POST', body, duplex: 'half' } as RequestInit)).status).toBe(
      401,
    )
    expect([server.requests.length, bodies]).toEqual([1, ['once']])
  })

  test('sends a Request whole', async () => {
    respond = (response) => response.end('ok')
    await open()(new Request(`${server.url}/mcp`, { method: 'PUT', body: 'whole' }))
    expect([server.requests[0]?.method, bodies]).toEqual(['PUT', ['whole']])
  })

  test('follows no redirect, which would carry the proof along', async () => {
    respond = (response) => response.writeHead(307, { location: 'http://127.0.0.1:1/mcp' }).end()
    expect((await open()(`${server.url}/mcp`)).status).toBe(307)
  })

  test.each(['/', '/mcpx', '/mcp/../admin', '/other'])('keeps the token from %s of the same server', async (path) => {
    verifies('AUTH-2.3')
    await expect(open()(`${server.url}${path}`)).rejects.toBeInstanceOf(SessionError)
    expect(server.requests).toHaveLength(0)
  })

  test('stops when the caller does', async () => {
    respond = () => {}
    await expect(open()(`${server.url}/mcp`, { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
  })
})
