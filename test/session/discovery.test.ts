import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { boundedFetch } from '../../src/http/bounded-fetch.ts'
import { discover } from '../../src/session/discovery.ts'
import { COMPANY_POLICY } from '../../src/session/policy.ts'
import { registryResource, wellKnown } from '../../src/session/registry-url.ts'
import { verifies } from '../requirements.ts'
import { type HttpServer, sendJson, serve } from '../support/http-server.ts'

type Answer = (url: string, response: import('node:http').ServerResponse, own: string) => void
let server: HttpServer
let answer: Answer
beforeEach(async () => {
  server = await serve((request, response) => answer(request.url ?? '', response, server.url))
})
afterEach(() => server.close())

const find = () => discover(server.url, boundedFetch({ timeLimit: 2000 }))
const resource = (own: string, change: object = {}) => ({
  resource: own,
  authorization_servers: [`${own}/idp`],
  ...change,
})
const issuer = (own: string, change: object = {}) => ({
  issuer: `${own}/idp`,
  authorization_endpoint: `${own}/authorize`,
  token_endpoint: `${own}/token`,
  code_challenge_methods_supported: ['S256'],
  dpop_signing_alg_values_supported: ['ES256'],
  ...change,
})
/** A registry and an issuer as they should be, but for what the test changes. */
function good(changes: { resource?: object; issuer?: object; openid?: boolean } = {}): Answer {
  return (url, response, own) => {
    if (url === '/.well-known/oauth-protected-resource') return sendJson(response, resource(own, changes.resource))
    const place = changes.openid
      ? '/idp/.well-known/openid-configuration'
      : '/.well-known/oauth-authorization-server/idp'
    if (url === place) return sendJson(response, issuer(own, changes.issuer))
    sendJson(response, { error: 'nothing here' }, 404)
  }
}

describe('discover', () => {
  test('finds the issuer with a path, by RFC 8414, and what the registry says about clients and scopes', async () => {
    verifies('AUTH-1.1')
    answer = good({ resource: { gatehouse_client_id: 'editor', scopes_supported: ['mcp'] } })
    expect(await find()).toMatchObject({ issuer: `${server.url}/idp`, clientId: 'editor', scopes: ['mcp'] })
  })

  test('falls back to OpenID Connect Discovery', async () => {
    answer = good({ openid: true })
    expect((await find()).server.token_endpoint).toBe(`${server.url}/token`)
  })

  test('finds OpenID Connect metadata with the path inserted too, before the path appended', async () => {
    const asked: string[] = []
    answer = (url, response, own) => {
      asked.push(url)
      if (url === '/.well-known/oauth-protected-resource') return sendJson(response, resource(own))
      if (url === '/.well-known/openid-configuration/idp') return sendJson(response, issuer(own))
      sendJson(response, {}, 404)
    }
    expect((await find()).issuer).toBe(`${server.url}/idp`)
    expect(asked.slice(1)).toEqual([
      '/.well-known/oauth-authorization-server/idp',
      '/.well-known/openid-configuration/idp',
    ])
  })

  test('a provider without DPoP does where the policy says so, and then alone', async () => {
    verifies('AUTH-6.1')
    answer = good({ issuer: { dpop_signing_alg_values_supported: undefined } })
    const policy = { ...COMPANY_POLICY, binding: 'where-offered' } as const
    expect((await discover(server.url, boundedFetch(), { policy })).issuer).toBe(`${server.url}/idp`)
    await expect(find()).rejects.toMatchObject({ code: 'discovery_failed' })
  })

  test('a registry’s own policy follows no hint and takes no other metadata than that of its address', async () => {
    verifies('AUTH-1.4')
    const asked: string[] = []
    answer = (url, response, own) => {
      asked.push(url)
      if (url === '/hint' || url === '/.well-known/oauth-protected-resource') return sendJson(response, resource(own))
      sendJson(response, {}, 404)
    }
    const registry = `${server.url}/registry`
    await expect(discover(registry, boundedFetch(), { hint: `${server.url}/hint` })).rejects.toMatchObject({
      code: 'registry_not_a_registry',
    })
    expect(asked).toEqual(['/.well-known/oauth-protected-resource/registry'])
  })

  test.each<[string, (response: import('node:http').ServerResponse) => void, string]>([
    [
      'redirects to another host',
      (response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      'issuer_unreachable',
    ],
    [
      'floods',
      (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(' '.repeat(3_000_000)),
      'issuer_unreachable',
    ],
    ['hangs', () => {}, 'issuer_unreachable'],
    [
      'never ends',
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.write('{')
      },
      'issuer_unreachable',
    ],
    ['answers a list', (response) => sendJson(response, []), 'discovery_failed'],
    [
      'answers JSON that is none',
      (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{'),
      'discovery_failed',
    ],
  ])('an issuer whose metadata %s', async (_name, behaviour, code) => {
    verifies('AUTH-1.4')
    answer = (url, response, own) =>
      url === '/.well-known/oauth-protected-resource' ? sendJson(response, resource(own)) : behaviour(response)
    await expect(discover(server.url, boundedFetch({ timeLimit: 500 }))).rejects.toMatchObject({ code })
  })

  test.each<[string, Answer, string]>([
    [
      'answers HTML',
      (_url, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hi</h1>'),
      'registry_not_a_registry',
    ],
    [
      'answers HTML that says it is JSON',
      (_url, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('<h1>Hi</h1>'),
      'registry_not_a_registry',
    ],
    ['has no metadata', (_url, response) => sendJson(response, {}, 404), 'registry_not_a_registry'],
    [
      'redirects to a login page',
      (_url, response) => void response.writeHead(302, { location: '/login' }).end(),
      'registry_not_a_registry',
    ],
    ['is another resource', good({ resource: { resource: 'https://other.example' } }), 'registry_not_a_registry'],
    ['names no issuer', good({ resource: { authorization_servers: [] } }), 'registry_not_a_registry'],
    [
      'floods',
      (_url, response) =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end(' '.repeat(3_000_000)),
      'registry_not_a_registry',
    ],
    ['hangs', () => {}, 'registry_timeout'],
    ['fails', (_url, response) => sendJson(response, {}, 503), 'registry_unreachable'],
    [
      'names an issuer in the clear',
      good({ resource: { authorization_servers: ['http://idp.example'] } }),
      'discovery_failed',
    ],
    [
      'names an issuer without metadata',
      good({ resource: { authorization_servers: ['http://127.0.0.1:1'] } }),
      'issuer_unreachable',
    ],
  ])('a registry that %s', async (_name, behaviour, code) => {
    verifies('AUTH-1.4')
    answer = behaviour
    await expect(find()).rejects.toMatchObject({ code })
  })

  test('a registry that nobody runs', async () => {
    verifies('AUTH-1.4')
    await expect(discover('http://127.0.0.1:1', boundedFetch())).rejects.toMatchObject({ code: 'registry_unreachable' })
  })

  test.each<[string, object]>([
    ['another issuer', { issuer: 'https://other.example' }],
    ['an equivalent but different issuer', { issuer: `HTTP://127.0.0.1/idp` }],
    ['no PKCE', { code_challenge_methods_supported: undefined }],
    ['only plain PKCE', { code_challenge_methods_supported: ['plain'] }],
    ['no DPoP', { dpop_signing_alg_values_supported: undefined }],
    ['DPoP without ES256', { dpop_signing_alg_values_supported: ['RS256'] }],
    ['a token endpoint in the clear', { token_endpoint: 'http://idp.example/token' }],
    ['a registration in the clear', { registration_endpoint: 'http://idp.example/register' }],
    ['a revocation in the clear', { revocation_endpoint: 'http://idp.example/revoke' }],
    ['a sign-in page that is a script', { authorization_endpoint: 'javascript:alert(1)' }],
  ])('issuer metadata with %s is refused', async (_name, change) => {
    verifies('AUTH-1.1', 'AUTH-1.4')
    answer = good({ issuer: change })
    await expect(find()).rejects.toMatchObject({ code: 'discovery_failed' })
  })

  test('an issuer with a trailing slash too many is another issuer', async () => {
    answer = (url, response, own) => {
      if (url === '/.well-known/oauth-protected-resource') return sendJson(response, resource(own))
      return sendJson(response, issuer(own, { issuer: `${own}/idp/` }))
    }
    await expect(find()).rejects.toMatchObject({ code: 'discovery_failed' })
  })

  test('an issuer that fails is down, not wrong', async () => {
    answer = (url, response, own) =>
      url === '/.well-known/oauth-protected-resource' ? sendJson(response, resource(own)) : sendJson(response, {}, 502)
    await expect(find()).rejects.toMatchObject({ code: 'issuer_unreachable' })
  })

  test('a registry elsewhere may not point the sign-in at this machine', async () => {
    const fetch: typeof globalThis.fetch = async () =>
      Response.json({ resource: 'https://registry.example', authorization_servers: ['http://127.0.0.1:4000'] })
    await expect(discover('https://registry.example', fetch)).rejects.toMatchObject({ code: 'discovery_failed' })
  })
})

describe('registryResource', () => {
  test.each([
    ['https://registry.example', 'https://registry.example'],
    [' https://registry.example/ ', 'https://registry.example'],
    ['https://registry.example/tools//', 'https://registry.example/tools'],
    ['HTTPS://Registry.Example:443/', 'https://registry.example'],
    ['http://127.0.0.1:4100/', 'http://127.0.0.1:4100'],
  ])('%s becomes %s', (text, resource) => {
    expect(registryResource(text)).toBe(resource)
  })

  test.each([
    '',
    'registry',
    'registry.example',
    'http://registry.example',
    'ftp://a',
    'https://u:p@a.example',
    'https://a.example/?t=1',
    'https://a.example/#x',
    'javascript:alert(1)',
  ])('“%s” is refused', (text) => {
    verifies('AUTH-1.4')
    expect(() => registryResource(text)).toThrow(expect.objectContaining({ code: 'registry_url_invalid' }))
  })
})

test('well-known paths go between host and path', () => {
  expect(wellKnown('https://a.example/b/', 'x')).toBe('https://a.example/.well-known/x/b')
  expect(wellKnown('https://a.example', 'x')).toBe('https://a.example/.well-known/x')
})
