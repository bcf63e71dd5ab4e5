import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { audienceFault } from '../../src/session/audience.ts'
import type { SignInPolicy } from '../../src/session/policy.ts'
import { loopbackRedirect } from '../../src/session/redirect/loopback.ts'
import { resourceScopes, stillNamed } from '../../src/session/resource-scopes.ts'
import { createSession } from '../../src/session/session.ts'
import type { Session } from '../../src/session/types.ts'
import { verifies } from '../requirements.ts'
import { MemoryStore } from '../support/session-window.ts'
import { type PlainProvider, startPlainProvider, tokenFor } from './plain-provider.ts'

const POLICY: SignInPolicy = {
  binding: 'where-offered',
  identity: 'unknown',
  registration: 'never',
  discovery: 'well-known',
  audience: 'exact',
}
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const PRESTO = 'https://presto.example/mcp'
const SPARK = 'https://spark.example/mcp'

let folder: string
let provider: PlainProvider
let told: number
let store: MemoryStore
const opened: Session[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-server-tokens-'))
  provider = await startPlainProvider()
  store = new MemoryStore()
  told = 0
})
afterEach(async () => {
  for (const session of opened.splice(0)) session.dispose()
  await provider.close()
  await rm(folder, { recursive: true, force: true })
})

function open(): Session {
  const session = createSession({
    registryUrl: provider.resource,
    folder,
    secrets: store,
    policy: POLICY,
    redirects: () => loopbackRedirect(),
    openExternal: async (url) => {
      void fetch(url).then((response) => response.text())
      return true
    },
    onScopeNeeded: () => told++,
    log: { info: () => undefined, warn: () => undefined },
  })
  opened.push(session)
  return session
}
const signIn = (session: Session) => session.signIn(AbortSignal.timeout(20_000))
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  )
const refuse = (error: string): Response => Response.json({ error }, { status: 400 })
const issued = (...audiences: string[]) => ({
  access_token: tokenFor(...audiences),
  refresh_token: 'again',
  issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
})
/** How the provider was asked, by grant and by what named the server. */
const asked = (): unknown[] =>
  provider.tokenRequests.map(({ body }) => [
    body.get('grant_type')?.split(':').at(-1),
    body.get('resource') ?? body.get('audience'),
    ...(body.has('scope') ? [body.get('scope')] : []),
  ])

describe('a provider that exchanges', () => {
  beforeEach(() => {
    provider.metadata = { grant_types_supported: [EXCHANGE] }
  })

  test('is asked by resource, and the token is for that server alone', async () => {
    verifies('AUTH-2.1', 'AUTH-2.4')
    provider.token = ({ body }) => issued(body.get('resource') as string)
    const session = open()
    await signIn(session)
    expect((await session.tokenFor(PRESTO)).token).toBe(tokenFor(PRESTO))
    expect(asked()).toEqual([
      ['authorization_code', provider.resource],
      ['token-exchange', PRESTO],
    ])
  })

  test('by audience is asked so once it has refused a resource, and from then on at once', async () => {
    verifies('AUTH-2.4')
    provider.token = ({ body }) => {
      if (body.get('grant_type') !== EXCHANGE) return issued(provider.resource)
      return body.has('audience') ? issued(body.get('audience') as string) : refuse('invalid_target')
    }
    const session = open()
    await signIn(session)
    expect((await session.tokenFor(PRESTO)).token).toBe(tokenFor(PRESTO))
    expect((await session.tokenFor(SPARK)).token).toBe(tokenFor(SPARK))
    expect(provider.tokenRequests.slice(1).map(({ body }) => [body.get('resource'), body.get('audience')])).toEqual([
      [PRESTO, null],
      [null, PRESTO],
      [null, SPARK],
    ])
  })

  test('that ignores the resource and answers for itself is asked in the other ways, and its token is never used', async () => {
    verifies('AUTH-2.4')
    provider.token = () => issued(provider.resource)
    const session = open()
    await signIn(session)
    await expect(session.tokenFor(PRESTO)).rejects.toMatchObject({
      code: 'audience_not_exact',
      message: expect.stringContaining('presto.example: its token is for another audience') as string,
    })
    expect(asked().slice(1)).toEqual([
      ['token-exchange', PRESTO],
      ['token-exchange', PRESTO],
      ['refresh_token', PRESTO],
    ])
    expect(session.state().kind).toBe('signed-in')
  })

  test('but not for this client: the refresh names the resource', async () => {
    verifies('AUTH-2.1')
    provider.token = ({ body }) =>
      body.get('grant_type') === EXCHANGE ? refuse('unauthorized_client') : issued(body.get('resource') as string)
    const session = open()
    await signIn(session)
    expect((await session.tokenFor(PRESTO)).token).toBe(tokenFor(PRESTO))
  })

  test('that says no to the person is not asked in another way', async () => {
    provider.token = ({ body }) =>
      body.get('grant_type') === EXCHANGE ? refuse('access_denied') : issued(body.get('resource') as string)
    const session = open()
    await signIn(session)
    expect(await codeOf(session.tokenFor(PRESTO))).toBe('resource_refused')
    expect(provider.tokenRequests).toHaveLength(2)
  })
})

describe('a provider with resource indicators alone', () => {
  test('is asked by a refresh that names the resource', async () => {
    verifies('AUTH-2.1', 'AUTH-2.4')
    provider.token = ({ body }) => issued(body.get('resource') as string)
    const session = open()
    await signIn(session)
    expect((await session.tokenFor(PRESTO)).token).toBe(tokenFor(PRESTO))
    expect(asked()).toEqual([
      ['authorization_code', provider.resource],
      ['refresh_token', PRESTO],
    ])
  })

  test('that gives one token for both is told of, and the token is not used', async () => {
    verifies('AUTH-2.4')
    provider.token = ({ body }) =>
      body.get('resource') === PRESTO ? issued(provider.resource, PRESTO) : issued(provider.resource)
    const session = open()
    await signIn(session)
    await expect(session.tokenFor(PRESTO)).rejects.toMatchObject({
      code: 'audience_not_exact',
      message: expect.stringContaining('for 2 audiences at once') as string,
    })
  })
})

test('a provider with neither is told of at the sign-in, which is not kept', async () => {
  verifies('AUTH-2.4')
  provider.token = () => issued('https://everything.example', provider.resource)
  const session = open()
  expect(await codeOf(signIn(session))).toBe('audience_not_exact')
  expect([session.state().kind, store.entries.has(`session ${provider.url}`)]).toEqual(['signed-out', false])
})

describe('a provider that names servers by scopes', () => {
  beforeEach(() => {
    provider.metadata = { scopes_supported: ['basic', provider.resource, PRESTO], grant_types_supported: [EXCHANGE] }
    provider.token = ({ body }) => {
      const named = (body.get('scope') ?? `${provider.resource} ${PRESTO}`).split(' ')
      return issued(...named.filter((scope) => scope.startsWith('http')))
    }
  })

  test('is asked for all of them at the sign-in, and for one by a refresh', async () => {
    verifies('AUTH-2.1', 'AUTH-2.4')
    const session = open()
    await signIn(session)
    expect(provider.authorizations[0]?.get('scope')).toBe(`${provider.resource} ${PRESTO}`)
    expect((await session.tokenFor(provider.resource)).token).toBe(tokenFor(provider.resource))
    expect((await session.tokenFor(PRESTO)).token).toBe(tokenFor(PRESTO))
    expect(asked()).toEqual([
      ['authorization_code', provider.resource],
      ['refresh_token', provider.resource, provider.resource],
      ['refresh_token', PRESTO, PRESTO],
    ])
  })

  test('a server that is named later gets its token after one more sign-in, which the person is offered', async () => {
    verifies('AUTH-2.4')
    const session = open()
    await signIn(session)
    expect(await codeOf(session.tokenFor(SPARK))).toBe('audience_not_exact')
    provider.metadata = { scopes_supported: [provider.resource, PRESTO, SPARK] }
    expect([await codeOf(session.tokenFor(SPARK)), await codeOf(session.tokenFor(SPARK)), told]).toEqual([
      'scope_needed',
      'scope_needed',
      1,
    ])
    await signIn(session)
    expect((await session.tokenFor(SPARK)).token).toBe(tokenFor(SPARK))
  })

  test('one that is named no more does not stand in the way of the next sign-in', async () => {
    const session = open()
    await signIn(session)
    provider.metadata = { scopes_supported: [provider.resource] }
    await signIn(session)
    expect(provider.authorizations[1]?.get('scope')).toBe(provider.resource)
  })

  test('scopes of that form that are not for the registry are somebody else’s', () => {
    expect(resourceScopes(['openid', PRESTO], provider.resource)).toEqual([])
    expect(resourceScopes([PRESTO, 'openid', 'https://', provider.resource], provider.resource)).toEqual([
      provider.resource,
      PRESTO,
    ])
    expect(stillNamed(['mcp', PRESTO, SPARK], [PRESTO])).toEqual(['mcp', PRESTO])
    expect(stillNamed(['mcp', PRESTO], undefined)).toEqual(['mcp', PRESTO])
  })
})

test.each([
  [tokenFor(PRESTO), undefined],
  [tokenFor(PRESTO, PRESTO), undefined],
  [tokenFor(PRESTO, SPARK), 'its token is for 2 audiences at once'],
  [tokenFor(SPARK), 'its token is for another audience'],
  [tokenFor(`${PRESTO}/`), 'its token is for another audience'],
  [tokenFor(), 'its token names no audience'],
  ['opaque', 'its access tokens cannot be read'],
  ['a.b.c', 'its access tokens cannot be read'],
  ['a.b.c.d.e', 'its access tokens cannot be read'],
])('the audience of %j', (token, fault) => {
  verifies('AUTH-2.4')
  expect(audienceFault(token, PRESTO)).toBe(fault)
})
