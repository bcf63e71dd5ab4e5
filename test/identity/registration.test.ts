import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SELF_REGISTERED } from '@gatehouse/contracts'
import { decodeJwt } from 'jose'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { verifies } from '../requirements.ts'
import { createRegistrationEndpoint } from '../../companion/services/identity/src/registration-endpoint.ts'
import { readRegistration } from '../../companion/services/identity/src/client-registration.ts'
import { isLoopbackAddress } from '../../companion/services/identity/src/loopback.ts'
import { openDataFolder } from '../../companion/services/identity/src/data-folder.ts'
import { createStore } from '../../companion/services/identity/src/store.ts'
import { freePort } from '../../scripts/free-port.ts'
import { serve } from '../support/http-server.ts'
import { signIn } from './flow.ts'
import { authorizeUrl, Browser, newDevice, PRESTO, REDIRECT, requestToken, startForTest } from './support.ts'

/** As VS Code 1.139 asks. */
const ASKED = {
  client_name: 'Visual Studio Code',
  client_uri: 'https://code.visualstudio.com',
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  response_types: ['code'],
  redirect_uris: [
    'https://insiders.vscode.dev/redirect',
    'https://vscode.dev/redirect',
    'http://127.0.0.1/',
    'http://127.0.0.1:33418/',
  ],
  scope: 'mcp',
  token_endpoint_auth_method: 'none',
  application_type: 'native',
}
type Answer = Record<string, unknown>

let identity: Awaited<ReturnType<typeof startForTest>>
beforeAll(async () => {
  identity = await startForTest()
})
beforeEach(() => identity.restart())
afterAll(() => identity.stop())

async function register(body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${identity.url}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer }
}
const asked = (change: Answer = {}) => ({ ...ASKED, redirect_uris: ['http://127.0.0.1/callback'], ...change })
const registered = async (change: Answer = {}) => String((await register(asked(change))).body['client_id'])

describe('a client that registers itself', () => {
  test('finds where in the metadata, and becomes a public client with an id that no configured client has', async () => {
    const metadata = (await (await fetch(`${identity.url}/.well-known/oauth-authorization-server`)).json()) as Answer
    expect(metadata['registration_endpoint']).toBe(`${identity.url}/register`)
    const { status, body, headers } = await register(ASKED)
    expect(status).toBe(201)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body).toEqual({
      client_id: expect.stringMatching(new RegExp(`^${SELF_REGISTERED}[A-Za-z0-9_-]{22}$`)) as unknown,
      client_id_issued_at: expect.any(Number) as unknown,
      client_name: 'Visual Studio Code',
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: ASKED.redirect_uris,
      token_endpoint_auth_method: 'none',
    })
  })

  test('gets no secret and no rights but these, whatever it asks for', async () => {
    const { body } = await register(
      asked({
        client_id: 'gatehouse-vscode',
        client_secret: 'mine',
        token_endpoint_auth_method: 'client_secret_basic',
        grant_types: ['authorization_code', 'client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
        dpop_bound_access_tokens: true,
        application_type: 'web',
      }),
    )
    expect(body).toMatchObject({
      client_id: expect.stringContaining(SELF_REGISTERED) as unknown,
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: 'none',
    })
    expect(body).not.toHaveProperty('client_secret')
  })

  test('signs a person in for one server and gets a bearer token for that server alone, and its refresh', async () => {
    verifies('AUTH-2.3')
    const client_id = await registered()
    const overrides = { client_id, resource: PRESTO, scope: 'mcp offline_access', prompt: 'consent' }
    const reply = await signIn(identity.url, 'ada', undefined, overrides)
    expect(reply.body).toMatchObject({ token_type: 'Bearer', scope: 'mcp' })
    const claims = decodeJwt(String(reply.body['access_token']))
    expect(claims).toMatchObject({ aud: PRESTO, client_id, sub: 'ada', groups: ['ads'] })
    expect(claims).not.toHaveProperty('cnf')
    const refreshed = await requestToken(identity.url, {
      grant_type: 'refresh_token',
      client_id,
      refresh_token: String(reply.body['refresh_token']),
      resource: PRESTO,
    })
    expect(decodeJwt(String(refreshed.body['access_token']))).toMatchObject({ aud: PRESTO, client_id })
  })

  test('is still known after a restart', async () => {
    const client_id = await registered()
    await identity.restart()
    expect((await signIn(identity.url, 'ada', undefined, { client_id })).status).toBe(200)
  })

  test('cannot bind its tokens to a key, which would sign approvals', async () => {
    verifies('AUTH-6.2')
    const reply = await signIn(identity.url, 'ada', await newDevice(), { client_id: await registered() })
    expect(reply.status).toBe(400)
    expect(reply.body).not.toHaveProperty('access_token')
  })

  test('cannot exchange tokens, nor do without PKCE, nor go back to where it was not registered', async () => {
    const client_id = await registered()
    const exchange = await requestToken(identity.url, {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      client_id,
      subject_token: 'x',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      resource: PRESTO,
    })
    expect(exchange.body).toEqual({
      error: 'invalid_request',
      error_description: 'requested grant type is not allowed for this client',
    })
    const browser = new Browser(identity.url)
    const plain = await browser.open(authorizeUrl(identity.url, undefined, { client_id }))
    expect(new URL(plain.url).searchParams.get('error')).toBe('invalid_request')
    const elsewhere = await browser.open(
      authorizeUrl(identity.url, 'x'.repeat(43), { client_id, redirect_uri: 'http://127.0.0.1/elsewhere' }),
    )
    expect(elsewhere.response?.status).toBe(400)
  })

  test('is named on the sign-in page as one that only says who it is, with where the sign-in goes', async () => {
    verifies('AUTH-1.4')
    const client_id = await registered({ client_name: '<b>Gatehouse for VS Code</b>' })
    const { response } = await new Browser(identity.url).open(authorizeUrl(identity.url, 'x'.repeat(43), { client_id }))
    const text = await response?.text()
    expect(text).toContain('This application registered itself')
    expect(text).toContain(`<code>http://${new URL(REDIRECT).host}</code>`)
    expect(text).not.toContain('<b>Gatehouse')
    const own = await new Browser(identity.url).open(authorizeUrl(identity.url, 'x'.repeat(43)))
    expect(await own.response?.text()).not.toContain('registered itself')
  })
})

describe('a registration is refused', () => {
  test.each([
    'https://evil.test/callback',
    'http://evil.test/callback',
    'http://127.0.0.1.evil.test/',
    'http://127.0.0.1@evil.test/',
    'http://user@127.0.0.1/',
    'http://127.0.0.1/#fragment',
    'http://0.0.0.0/',
    'https://127.0.0.1/',
    'https://vscode.dev/redirect/other',
    'https://vscode.dev.evil.test/redirect',
    'https://vscode.dev/redirect?url=https://evil.test',
    'vscode://evil.extension/callback',
    'vscode://dynamicauthprovider.evil/callback',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'callback',
    '',
  ])('that leads to %j', async (uri) => {
    verifies('AUTH-1.4')
    const { status, body } = await register(asked({ redirect_uris: ['http://127.0.0.1/callback', uri] }))
    expect([status, body['error']]).toEqual([400, 'invalid_redirect_uri'])
  })

  test.each<[string, unknown]>([
    ['without a redirect URI', asked({ redirect_uris: [] })],
    ['with too many', asked({ redirect_uris: Array.from({ length: 11 }, (_, n) => `http://127.0.0.1/${n}`) })],
  ])('%s', async (_what, body) => {
    expect((await register(body)).body['error']).toBe('invalid_redirect_uri')
  })

  test.each<[string, unknown]>([
    ['without the code flow', asked({ grant_types: ['client_credentials'] })],
    ['for another response', asked({ response_types: ['token'] })],
    ['with a name that hides text', asked({ client_name: 'Gate\u202Ehouse' })],
    ['with a name beyond bounds', asked({ client_name: 'x'.repeat(81) })],
    ['that is no object', '[]'],
    ['that is no JSON', '{'],
    ['with one key twice', '{"redirect_uris":["http://127.0.0.1/"],"redirect_uris":["http://127.0.0.1/"]}'],
    ['beyond bounds', asked({ contacts: ['x'.repeat(20_000)] })],
  ])('%s', async (_what, body) => {
    const answer = await register(body)
    expect([answer.status, answer.body['error']]).toEqual([400, 'invalid_client_metadata'])
  })

  test.each<[string, Record<string, string>]>([
    ['by a page of another site', { origin: 'http://evil.test' }],
    ['through a proxy', { 'x-forwarded-for': '203.0.113.7' }],
    ['through a proxy that says so as RFC 7239 has it', { forwarded: 'for=127.0.0.1' }],
  ])('%s', async (_what, headers) => {
    const { status, body } = await register(asked(), headers)
    expect([status, body['error']]).toEqual([403, 'access_denied'])
  })

  test('as a form, which a page could send unasked', async () => {
    const answer = await register(asked(), { 'content-type': 'text/plain' })
    expect([answer.status, answer.body['error']]).toEqual([400, 'invalid_client_metadata'])
  })

  test('beyond 30 a minute, with when to come again', async () => {
    const answers = []
    for (let n = 0; n < 31; n++) answers.push(await register(asked()))
    expect(answers.map(({ status }) => status).filter((status) => status === 201)).toHaveLength(30)
    const last = answers.at(-1)
    expect([last?.status, last?.headers.get('retry-after')]).toEqual([429, '60'])
  })
})

test('from another machine nobody registers, and nothing is stored', async () => {
  verifies('AUTH-8.2')
  const stored: unknown[] = []
  const endpoint = createRegistrationEndpoint('http://127.0.0.1:1', { registerClient: (client) => stored.push(client) })
  const server = await serve((request, response) => {
    Object.defineProperty(request.socket, 'remoteAddress', { value: '203.0.113.7' })
    void endpoint(request, response)
  })
  try {
    const status = await new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' }
      const sent = httpRequest(server.url, { method: 'POST', headers }, (response) => resolve(response.statusCode))
      sent.once('error', reject)
      sent.end(JSON.stringify(asked()))
    })
    expect(status).toBe(403)
    expect(stored).toEqual([])
  } finally {
    await server.close()
  }
})

test('a provider that is reached under a public name has no registration at all', async () => {
  const port = await freePort()
  const open = await startForTest({ publicUrl: 'https://login.example.com', port })
  const here = `http://127.0.0.1:${port}`
  try {
    const metadata: unknown = await (await fetch(`${here}/.well-known/oauth-authorization-server`)).json()
    expect(metadata).not.toHaveProperty('registration_endpoint')
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${here}/register`, { method: 'POST', headers, body: JSON.stringify(asked()) })
    expect(answer.status).toBe(404)
  } finally {
    await open.stop()
  }
})

test('registrations end after 30 days, and of more than 200 the oldest', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-registrations-'))
  const database = openDataFolder(folder)
  vi.useFakeTimers({ toFake: ['Date'] })
  try {
    const store = createStore(database)
    const known = async (id: string) => (await store.adapter('Client').find(id)) !== undefined
    const keep = () => {
      const registration = readRegistration(JSON.stringify(asked()))
      if (registration.kind === 'problem') throw new Error(registration.problem.error_description)
      store.registerClient(registration.metadata)
      return registration.metadata.client_id
    }
    const first = keep()
    vi.advanceTimersByTime(29 * 86_400_000)
    expect(await known(first)).toBe(true)
    const second = keep()
    vi.advanceTimersByTime(2 * 86_400_000)
    expect([await known(first), await known(second)]).toEqual([false, true])
    const rest = []
    for (let n = 0; n < 200; n++) {
      vi.advanceTimersByTime(2000)
      rest.push(keep())
    }
    expect(await known(second)).toBe(false)
    expect(await Promise.all(rest.map(known))).toEqual(rest.map(() => true))
  } finally {
    vi.useRealTimers()
    database.close()
    await rm(folder, { recursive: true })
  }
})

test.each([
  ['127.0.0.1', true],
  ['127.8.9.10', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['::ffff:10.0.0.1', false],
  ['10.127.0.1', false],
  ['128.0.0.1', false],
  ['127.evil.test', false],
  ['::', false],
  ['0.0.0.0', false],
  [undefined, false],
])('the address %s is of this machine: %s', (address, expected) => {
  expect(isLoopbackAddress(address)).toBe(expected)
})

test('whatever is sent, a client that is registered comes back to this machine or the editor', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.webUrl({ withFragments: true }), fc.string()), { maxLength: 3 }), (uris) => {
      const registration = readRegistration(JSON.stringify({ redirect_uris: uris }))
      if (registration.kind === 'problem') return
      for (const uri of registration.metadata.redirect_uris) {
        expect(uri).toMatch(
          /^(http:\/\/(127\.0\.0\.1|localhost|\[::1\])|https:\/\/(insiders\.)?vscode\.dev\/redirect$|vscode)/i,
        )
      }
    }),
  )
})
