import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { SessionOptions } from '../../src/session/options.ts'
import type { SignInPolicy } from '../../src/session/policy.ts'
import { loopbackRedirect } from '../../src/session/redirect/loopback.ts'
import { createSession } from '../../src/session/session.ts'
import type { Session } from '../../src/session/types.ts'
import { verifies } from '../requirements.ts'
import { MemoryStore } from '../support/session-window.ts'
import { challenge, type PlainProvider, startPlainProvider } from './plain-provider.ts'

const POLICY: SignInPolicy = {
  binding: 'where-offered',
  identity: 'unknown',
  registration: 'dynamic',
  discovery: 'challenge',
  audience: 'unchecked',
}
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'

let folder: string
let provider: PlainProvider
let store: MemoryStore
let browsers: number
let told: number
const opened: Session[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-any-provider-'))
  provider = await startPlainProvider()
  store = new MemoryStore()
  browsers = 0
  told = 0
})
afterEach(async () => {
  for (const session of opened.splice(0)) session.dispose()
  await provider.close()
  await rm(folder, { recursive: true, force: true })
})

function open(options: Partial<SessionOptions> = {}): Session {
  const session = createSession({
    registryUrl: provider.resource,
    folder,
    secrets: store,
    policy: POLICY,
    redirects: () => loopbackRedirect(),
    openExternal: async (url) => {
      browsers++
      void fetch(url).then((response) => response.text())
      return true
    },
    onScopeNeeded: () => told++,
    log: { info: () => undefined, warn: () => undefined },
    ...options,
  })
  opened.push(session)
  return session
}
const signIn = (session: Session) => session.signIn(AbortSignal.timeout(20_000))
const post = (session: Session, resource = provider.resource) =>
  session.fetchFor(resource)(resource, { method: 'POST', body: '{}' })
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  )

describe('first contact', () => {
  test('a request without a token; the 401 says what to ask for and where, and no browser opens by itself', async () => {
    verifies('AUTH-5.2')
    provider.published = { '/elsewhere': Object.values(provider.published)[0] }
    provider.admit = (scopes, response) =>
      scopes
        ? response.end(scopes.join(' '))
        : challenge(response, 401, `resource_metadata="${provider.url}/elsewhere", scope="basic"`)
    const session = open()
    expect([await codeOf(post(session)), browsers]).toEqual(['signed_out', 0])
    await signIn(session)
    expect(await (await post(session)).text()).toBe('basic')
    expect(provider.authorizations[0]?.get('resource')).toBe(provider.resource)
  })

  test('a server that lets everyone in is used without a sign-in', async () => {
    provider.admit = (_scopes, response) => response.end('welcome')
    expect(await (await post(open())).text()).toBe('welcome')
    expect(provider.tokenRequests).toEqual([])
  })

  test('metadata on another origin is not fetched; the well-known place counts', async () => {
    verifies('AUTH-1.4')
    const other = await startPlainProvider()
    provider.admit = (_scopes, response) => challenge(response, 401, `resource_metadata="${other.url}/m"`)
    const session = open()
    await codeOf(post(session))
    await signIn(session)
    expect(other.paths).toEqual([])
    await other.close()
  })

  test('the metadata of the whole origin does where the resource has none, and names the origin', async () => {
    const root = '/.well-known/oauth-protected-resource'
    provider.published = { [root]: { resource: provider.url, authorization_servers: [provider.url] } }
    await signIn(open())
    expect(provider.authorizations[0]?.get('resource')).toBe(provider.url)
    expect(provider.tokenRequests[0]?.body.get('resource')).toBe(provider.url)
    provider.published = { [root]: { resource: provider.resource, authorization_servers: [provider.url] } }
    expect(await codeOf(signIn(open()))).toBe('registry_not_a_registry')
  })

  test('metadata of another resource is refused before anything is asked of a provider', async () => {
    provider.published = {
      '/.well-known/oauth-protected-resource/mcp': {
        resource: 'https://evil.example/mcp',
        authorization_servers: [provider.url],
      },
    }
    expect(await codeOf(signIn(open()))).toBe('registry_not_a_registry')
    expect(provider.paths).not.toContain('/authorize')
  })

  test('of a company nothing goes without a token, and no challenge leads anywhere', async () => {
    const session = open({ policy: { ...POLICY, discovery: 'well-known' } })
    expect([await codeOf(post(session)), provider.paths]).toEqual(['signed_out', []])
  })
})

describe('who asks', () => {
  test('registers once with an issuer, as a native public client, and is known there from then on', async () => {
    const session = open()
    await signIn(session)
    await signIn(session)
    expect(provider.registrations).toEqual([
      {
        client_name: 'Gatehouse',
        application_type: 'native',
        redirect_uris: [expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/callback$/)],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
      },
    ])
    expect(provider.authorizations.map((asked) => asked.get('client_id'))).toEqual(['client-1', 'client-1'])
    expect(session.clientId()).toBe('client-1')
    await session.signOut()
    expect([...store.entries.keys()].filter((key) => key.startsWith('client '))).toEqual([])
  })

  test('another issuer gets another registration and none of the first one’s secrets', async () => {
    verifies('AUTH-1.1')
    const secret = { client_secret: 'sesame', token_endpoint_auth_method: 'client_secret_post' }
    provider.registration = () => Response.json({ client_id: 'first', ...secret }, { status: 201 })
    const session = open()
    await signIn(session)
    expect(provider.tokenRequests[0]?.body.get('client_secret')).toBe('sesame')
    const other = await startPlainProvider()
    provider.published = {
      '/.well-known/oauth-protected-resource/mcp': {
        resource: provider.resource,
        authorization_servers: [other.url],
      },
    }
    await signIn(session)
    expect(other.registrations).toHaveLength(1)
    const sent = JSON.stringify([[...(other.authorizations[0] ?? [])], [...(other.tokenRequests[0]?.body ?? [])]])
    expect(sent).not.toMatch(/sesame|first/)
    await other.close()
  })

  test('a company’s editor never registers itself', async () => {
    await signIn(open({ policy: { ...POLICY, registration: 'never' } }))
    expect(provider.registrations).toEqual([])
    expect(provider.authorizations[0]?.get('client_id')).toBe('gatehouse-vscode')
  })

  test('a metadata document is named to a provider that reads such, and to no other', async () => {
    const clientMetadataUrl = 'https://gatehouse.example/client.json'
    provider.metadata = { client_id_metadata_document_supported: true }
    await signIn(open({ clientMetadataUrl }))
    provider.metadata = {}
    await signIn(open({ clientMetadataUrl, secrets: new MemoryStore() }))
    expect(provider.authorizations.map((asked) => asked.get('client_id'))).toEqual([clientMetadataUrl, 'client-1'])
  })

  test('a metadata document that was set wins over the client that the registry names', async () => {
    const clientMetadataUrl = 'https://gatehouse.example/client.json'
    provider.published = {
      '/.well-known/oauth-protected-resource/mcp': {
        resource: provider.resource,
        authorization_servers: [provider.url],
        gatehouse_client_id: 'gatehouse-vscode',
      },
    }
    await signIn(open({ clientMetadataUrl }))
    provider.metadata = { client_id_metadata_document_supported: true }
    await signIn(open({ clientMetadataUrl }))
    await signIn(open({ clientMetadataUrl, client: { id: 'mine' } }))
    expect(provider.authorizations.map((asked) => asked.get('client_id'))).toEqual([
      'gatehouse-vscode',
      clientMetadataUrl,
      'mine',
    ])
  })

  test.each([
    [['client_secret_post', 'client_secret_basic'], `Basic ${btoa('my-client.1:a%3Ab+%C3%A9')}`, null],
    [['client_secret_post'], undefined, 'a:b é'],
    [undefined, `Basic ${btoa('my-client.1:a%3Ab+%C3%A9')}`, null],
    [['none'], undefined, null],
    [['private_key_jwt'], undefined, null],
  ])('a registered client at a provider that takes %j', async (methods, authorization, inBody) => {
    provider.metadata = { token_endpoint_auth_methods_supported: methods, client_id_metadata_document_supported: true }
    await signIn(open({ client: { id: 'my-client.1', secret: 'a:b é' }, clientMetadataUrl: 'https://g.example/c' }))
    const request = provider.tokenRequests[0]
    expect([request?.authorization, request?.body.get('client_secret')]).toEqual([authorization, inBody])
    expect(provider.registrations).toEqual([])
  })

  test('a client registered with another issuer is not used here', async () => {
    await signIn(open({ client: { id: 'theirs', secret: 'sesame', issuer: 'https://other.example' } }))
    expect(provider.authorizations[0]?.get('client_id')).toBe('client-1')
    expect(JSON.stringify([...(provider.tokenRequests[0]?.body ?? [])])).not.toContain('sesame')
  })

  test.each([
    ['refuses', () => Response.json({ error: 'invalid_redirect_uri' }, { status: 400 }), 'registration_refused'],
    ['answers nonsense', () => new Response('<h1>', { status: 201 }), 'registration_refused'],
    ['gives no id', () => Response.json({}, { status: 201 }), 'registration_refused'],
    ['is down', () => new Response('', { status: 503 }), 'issuer_unreachable'],
    [
      'redirects',
      () => new Response('', { status: 307, headers: { location: 'http://127.0.0.1:1/' } }),
      'issuer_unreachable',
    ],
    ['floods', () => new Response('x'.repeat(2_000_000), { status: 201 }), 'issuer_unreachable'],
  ])('a registration that %s', async (_name, registration, code) => {
    verifies('AUTH-1.4')
    provider.registration = registration
    expect([await codeOf(signIn(open())), browsers]).toEqual([code, 0])
  })
})

describe('tokens', () => {
  test('a provider that offers no DPoP is given no proof, and its token goes as a bearer', async () => {
    let sent: unknown
    provider.admit = (_scopes, response, { headers }) => {
      sent = [headers.authorization, headers['dpop']]
      response.end()
    }
    const session = open()
    await signIn(session)
    await post(session)
    expect([provider.tokenRequests[0]?.dpop, sent]).toEqual([undefined, ['Bearer token', undefined]])
    expect(provider.authorizations[0]?.has('dpop_jkt')).toBe(false)
  })

  test('one that offers DPoP and gives a bearer all the same is refused', async () => {
    verifies('AUTH-6.1')
    provider.metadata = { dpop_signing_alg_values_supported: ['ES256'] }
    expect(await codeOf(signIn(open()))).toBe('response_invalid')
    provider.token = () => ({ token_type: 'DPoP' })
    const session = open()
    await signIn(session)
    let sent: unknown
    provider.admit = (_scopes, response, { headers }) => {
      sent = [headers.authorization, typeof headers['dpop']]
      response.end()
    }
    await post(session)
    expect(sent).toEqual(['DPoP token', 'string'])
  })

  test('without a refresh token the sign-in ends with its access token, and is begun by a person alone', async () => {
    verifies('AUTH-5.2')
    const session = open()
    await signIn(session)
    provider.admit = (_scopes, response) => challenge(response, 401, 'error="invalid_token"')
    expect(await codeOf(post(session))).toBe('session_ended')
    expect([session.state().kind, browsers]).toEqual(['signed-out', 1])
  })

  test('a 401 gets one refresh, for the resource as its metadata names it', async () => {
    verifies('AUTH-5.2')
    const root = '/.well-known/oauth-protected-resource'
    provider.published = { [root]: { resource: provider.url, authorization_servers: [provider.url] } }
    provider.token = ({ body }) => ({
      refresh_token: 'again',
      ...(body.get('grant_type') === 'refresh_token' ? { access_token: 'token+fresh' } : {}),
    })
    provider.admit = (scopes, response) =>
      scopes?.includes('fresh') ? response.end('ok') : challenge(response, 401, 'error="invalid_token"')
    const session = open()
    await signIn(session)
    expect((await post(session)).status).toBe(200)
    expect(provider.tokenRequests.map(({ body }) => [body.get('grant_type'), body.get('resource')])).toEqual([
      ['authorization_code', provider.url],
      ['refresh_token', provider.url],
    ])
  })

  test.each([
    ['another provider’s issuer', 'https://attacker.example'],
    ['the same issuer with a slash', undefined],
  ])('an answer with %s leads to no token request', async (_name, iss) => {
    verifies('AUTH-1.2')
    provider.answer = (answer) => answer.set('iss', iss ?? `${provider.url}/`)
    expect([await codeOf(signIn(open())), provider.tokenRequests]).toEqual(['issuer_mismatch', []])
  })
})

describe('step-up', () => {
  const wanting =
    (scope: string): PlainProvider['admit'] =>
    (scopes, response) => {
      if (!scopes) return challenge(response, 401, 'scope="basic"')
      if (scopes.includes(scope)) return response.end('ok')
      challenge(response, 403, `error="insufficient_scope", scope="${scope}"`)
    }

  test('a person is told, once, and their sign-in asks for what was granted before and what is needed', async () => {
    verifies('AUTH-5.3')
    const session = open()
    provider.admit = wanting('write')
    await codeOf(post(session))
    await signIn(session)
    expect([await codeOf(post(session)), await codeOf(post(session))]).toEqual(['scope_needed', 'scope_needed'])
    await expect(post(session)).rejects.toThrow(/sign in to Gatehouse again/)
    expect([browsers, told]).toEqual([1, 1])
    expect(session.state().kind).toBe('signed-in')
    await signIn(session)
    expect(provider.authorizations[1]?.get('scope')).toBe('basic write')
    expect((await post(session)).status).toBe(200)
  })

  test('what was asked for and is refused all the same is not asked for again', async () => {
    verifies('AUTH-5.3')
    provider.admit = (scopes, response) =>
      challenge(response, scopes ? 403 : 401, 'scope="admin", error="insufficient_scope"')
    const session = open()
    await codeOf(post(session))
    await signIn(session)
    expect(await codeOf(post(session))).toBe('scope_refused')
    expect([browsers, told]).toEqual([1, 0])
  })

  test('a provider that refuses the wider sign-in is asked for the usual one next', async () => {
    const session = open()
    provider.admit = wanting('write')
    await codeOf(post(session))
    await signIn(session)
    await codeOf(post(session))
    provider.answer = (answer) => {
      answer.delete('code')
      answer.set('error', 'invalid_scope')
    }
    expect(await codeOf(signIn(session))).toBe('sign_in_refused')
    provider.answer = () => undefined
    await signIn(session)
    expect(provider.authorizations.map((asked) => asked.get('scope'))).toEqual(['basic', 'basic write', 'basic'])
  })

  test('a server beside the registry gets a wider token without a person where the provider exchanges one', async () => {
    verifies('AUTH-5.3', 'AUTH-2.1')
    const server = await startPlainProvider()
    server.admit = wanting('write')
    provider.metadata = { grant_types_supported: [EXCHANGE] }
    provider.token = ({ body }) => ({
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      ...without(body),
    })
    const session = open()
    await signIn(session)
    expect((await post(session, server.resource)).status).toBe(200)
    expect((await post(session, server.resource)).status).toBe(200)
    const exchanges = provider.tokenRequests.filter(({ body }) => body.get('grant_type') === EXCHANGE)
    expect(exchanges.map(({ body }) => [body.get('resource'), body.get('scope')])).toEqual([
      [server.resource, null],
      [server.resource, 'write'],
    ])
    expect([browsers, told]).toEqual([1, 0])
    await server.close()
  })

  test('requests that are refused at once share one wider token', async () => {
    verifies('AUTH-5.1', 'AUTH-5.3')
    const server = await startPlainProvider()
    server.admit = wanting('write')
    provider.metadata = { grant_types_supported: [EXCHANGE] }
    provider.token = ({ body }) => ({
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      ...without(body),
    })
    const session = open()
    await signIn(session)
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(session, server.resource)))
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
    const wider = provider.tokenRequests.filter(({ body }) => body.get('scope') === 'write')
    expect([wider.length, told]).toEqual([1, 0])
    await server.close()
  })

  test('where the provider gives no wider token, the one that there was stays good', async () => {
    verifies('AUTH-5.3')
    const server = await startPlainProvider()
    server.admit = wanting('write')
    provider.metadata = { grant_types_supported: [EXCHANGE] }
    provider.token = ({ body }) =>
      body.has('scope')
        ? Response.json({ error: 'invalid_scope' }, { status: 400 })
        : { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token', ...without(body) }
    const session = open()
    await signIn(session)
    expect(await codeOf(post(session, server.resource))).toBe('scope_needed')
    const asked = provider.tokenRequests.length
    expect(await codeOf(post(session, server.resource))).toBe('scope_needed')
    server.admit = (_scopes, response) => response.end('ok')
    expect((await post(session, server.resource)).status).toBe(200)
    expect([provider.tokenRequests.length, told]).toEqual([asked, 1])
    await server.close()
  })
})

/** The token of an exchange without scopes has none of the sign-in's. */
function without(body: URLSearchParams): object {
  return body.get('grant_type') === EXCHANGE && !body.has('scope') ? { access_token: 'token' } : {}
}
