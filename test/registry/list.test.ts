import { LIST_TYP, ListClaims } from '@gatehouse/contracts'
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { codeOf, newDevice, prestoRecord, type Stack, startStack } from './stack.ts'

let stack: Stack
let list: string
beforeAll(async () => {
  stack = await startStack()
  list = `${stack.url}/gatehouse/v1/list`
  await stack.put(prestoRecord())
  await stack.put(prestoRecord({ id: 'payroll', title: 'Payroll', groups: ['finance'], discoverable: false }))
  await stack.put(prestoRecord({ id: 'desk', title: 'Desk', surfaces: ['ide'] }))
  await stack.put(prestoRecord({ id: 'kiosk', clients: [{ clientId: 'kiosk', surface: 'cli', bearer: true }] }))
  await stack.put(prestoRecord({ id: 'old', status: 'retired' }))
})
afterAll(() => stack.stop())

describe('the signed list', () => {
  test('is a JWS of the registry, for one person and one client, that lives ten minutes', async () => {
    verifies('REG-5.1')
    const response = await fetch(list, { headers: await stack.bearer('ada') })
    expect(response.headers.get('Content-Type')).toBe('application/jwt')
    expect(response.headers.get('Cache-Control')).toBe('private, no-cache')
    const keys = createRemoteJWKSet(new URL(`${stack.url}/gatehouse/v1/keys`))
    const jws = await response.text()
    const { payload } = await jwtVerify(jws, keys, {
      algorithms: ['ES256'],
      typ: LIST_TYP,
      issuer: stack.url,
      audience: 'gatehouse-cli',
      subject: 'ada',
    })
    const claims = ListClaims.parse(payload)
    expect(claims.exp - claims.iat).toBe(600)
    expect(decodeProtectedHeader(jws)).toMatchObject({ alg: 'ES256', kid: expect.any(String) as unknown })
  })

  test('is refused by a verifier once its life is over', async () => {
    verifies('REG-5.1')
    const keys = createRemoteJWKSet(new URL(`${stack.url}/gatehouse/v1/keys`))
    const jws = await (await fetch(list, { headers: await stack.bearer('ada') })).text()
    const later = new Date(Date.now() + 601_000)
    await expect(jwtVerify(jws, keys, { currentDate: later })).rejects.toMatchObject({ code: 'ERR_JWT_EXPIRED' })
  })

  test('holds only the tools that the caller may call, and no clients', async () => {
    verifies('REG-5.1', 'AUTH-8.1', 'REG-2.1')
    const tools = async (user: string) =>
      (await stack.list(user)).servers.flatMap((server) =>
        server.access === 'allowed' && server.record.id === 'presto' ? server.record.tools.map(({ name }) => name) : [],
      )
    expect(await tools('ada')).toEqual(['run_query'])
    expect(await tools('ines')).toEqual(['run_query', 'kill_cluster'])
    const [presto] = (await stack.list('ada')).servers.filter((server) => server.access === 'allowed')
    expect(presto?.record).toMatchObject({ id: 'presto', clients: [], owner: { team: 'owners-presto' } })
  })

  test('holds only the prompts and resources that the caller may read', async () => {
    verifies('REG-5.1', 'AUTH-8.1')
    const digest = `sha256:${'0'.repeat(64)}`
    await stack.put(
      prestoRecord({
        id: 'library',
        prompts: [
          { name: 'review', digest, groups: [] },
          { name: 'incident', digest, groups: ['infra'] },
        ],
        resources: [
          { name: 'glossary', uri: 'library://glossary', digest, groups: [] },
          { name: 'runbook', uriTemplate: 'library://runbooks/{id}', digest, groups: ['infra'] },
        ],
      }),
    )
    const seen = async (user: string) =>
      (await stack.list(user)).servers.flatMap((server) =>
        server.access === 'allowed' && server.record.id === 'library'
          ? [...server.record.prompts, ...server.record.resources].map(({ name }) => name)
          : [],
      )
    expect(await seen('ada')).toEqual(['review', 'glossary'])
    expect(await seen('ines')).toEqual(['review', 'incident', 'glossary', 'runbook'])
  })

  test('tells a contractor why not and whom to ask, and nothing of what is not discoverable', async () => {
    verifies('AUTH-8.3', 'AUTH-9.1', 'REG-5.1')
    const { servers } = await stack.list('carl')
    expect(servers.map((server) => server.access)).not.toContain('allowed')
    expect(servers).toContainEqual({
      access: 'denied',
      id: 'presto',
      title: 'Presto',
      owner: { team: 'owners-presto', contact: 'presto@example.com' },
      support: { channel: '#presto-help' },
      reason: 'needs one of the groups ads, finance, infra; ask #presto-help',
    })
    expect(JSON.stringify(servers)).not.toContain('payroll')
  })

  test('holds what is not discoverable for those who may use it, and what is retired for nobody', async () => {
    const ids = async (user: string) => JSON.stringify((await stack.list(user)).servers)
    expect(await ids('finn')).toContain('payroll')
    expect(await ids('ada')).not.toContain('payroll')
    expect(await ids('ines')).not.toContain('"old"')
  })

  test('is decided by the surface of the client, and by whether the server knows the client at all', async () => {
    verifies('AUTH-11.1')
    const { servers } = await stack.list('ada')
    expect(servers).toContainEqual(
      expect.objectContaining({ access: 'denied', id: 'desk', reason: 'works only from ide; ask #presto-help' }),
    )
    expect(servers).toContainEqual(
      expect.objectContaining({
        access: 'denied',
        id: 'kiosk',
        reason: 'does not serve this client; ask #presto-help',
      }),
    )
  })

  test('is given to the extension with a DPoP proof, for the surface ide', async () => {
    verifies('AUTH-6.1', 'AUTH-11.1')
    const device = await newDevice()
    const token = await stack.token('ada', { client: 'gatehouse-vscode', jkt: device.jkt })
    const response = await fetch(list, { headers: await device.headers(token, 'GET', list) })
    expect(response.status).toBe(200)
    const keys = createRemoteJWKSet(new URL(`${stack.url}/gatehouse/v1/keys`))
    const { payload } = await jwtVerify(await response.text(), keys, { audience: 'gatehouse-vscode' })
    const desk = ListClaims.parse(payload).servers.find(
      (server) => server.access === 'allowed' && server.record.id === 'desk',
    )
    expect(desk).toBeDefined()
  })
})

describe('without a good token there is no list', () => {
  test.each([
    ['no token', 'token_missing', () => Promise.resolve({})],
    ['a token that is none', 'token_invalid', () => Promise.resolve({ Authorization: 'Bearer nonsense' })],
    [
      'a token for another resource',
      'token_invalid',
      async () => ({ Authorization: `Bearer ${await stack.token('ada', { resource: 'https://presto.example/mcp' })}` }),
    ],
    [
      'an expired token',
      'token_expired',
      async () => ({ Authorization: `Bearer ${await stack.token('ada', { expiresIn: -3000 })}` }),
    ],
    [
      'a bound token as plain bearer',
      'bearer_not_allowed',
      async () => {
        const { jkt } = await newDevice()
        return { Authorization: `Bearer ${await stack.token('ada', { client: 'gatehouse-vscode', jkt })}` }
      },
    ],
  ])('%s: 401 %s, and where to sign in', async (_, code, headers) => {
    verifies('AUTH-2.3', 'AUTH-6.2', 'AUTH-1.1')
    const response = await fetch(list, { headers: (await headers()) as Record<string, string> })
    expect(response.status).toBe(401)
    expect(response.headers.get('WWW-Authenticate')).toContain(
      `resource_metadata="${stack.url}/.well-known/oauth-protected-resource"`,
    )
    expect(await codeOf(response)).toBe(code)
  })

  test('and a proof of another key is refused', async () => {
    verifies('AUTH-6.1')
    const [device, thief] = await Promise.all([newDevice(), newDevice()])
    const token = await stack.token('ada', { client: 'gatehouse-vscode', jkt: device.jkt })
    const response = await fetch(list, { headers: await thief.headers(token, 'GET', list) })
    expect([response.status, await codeOf(response)]).toEqual([401, 'dpop_invalid'])
  })

  test('no token is ever logged', async () => {
    const token = await stack.token('ada', { resource: 'https://presto.example/mcp' })
    await fetch(list, { headers: { Authorization: `Bearer ${token}` } })
    expect(stack.logged.join('\n')).toContain('token_invalid')
    expect(stack.logged.join('\n')).not.toContain(token.slice(-40))
  })
})

describe('ETag', () => {
  test('an unchanged list is 304; another person, or a changed record, is not', async () => {
    verifies('REG-5.1')
    const headers = await stack.bearer('ada')
    const first = await fetch(list, { headers })
    const etag = String(first.headers.get('ETag'))
    const again = await fetch(list, { headers: { ...headers, 'If-None-Match': etag } })
    expect([again.status, await again.text(), again.headers.get('ETag')]).toEqual([304, '', etag])
    const other = await fetch(list, { headers: { ...(await stack.bearer('ines')), 'If-None-Match': etag } })
    expect(other.status).toBe(200)
    await stack.put(prestoRecord({ title: 'Presto, renamed' }))
    expect((await fetch(list, { headers: { ...headers, 'If-None-Match': etag } })).status).toBe(200)
    await stack.put(prestoRecord())
  })

  test('a 304 never leaves a signature with less than half its life: after half the life the list is signed anew', async () => {
    verifies('REG-5.1', 'EDIT-1.2')
    const headers = await stack.bearer('ada')
    const etag = String((await fetch(list, { headers })).headers.get('ETag'))
    stack.advance(301)
    const fresh = await fetch(list, { headers: { ...headers, 'If-None-Match': etag } })
    stack.advance(-301)
    expect(fresh.status).toBe(200)
    expect(fresh.headers.get('ETag')).not.toBe(etag)
  })
})

test('a server listed after sign-in is in the next list, with the same token', async () => {
  verifies('AUTH-2.2')
  const before = await stack.list('ada')
  await stack.put(prestoRecord({ id: 'fresh', title: 'Fresh' }))
  const after = await stack.list('ada')
  expect(after.servers.length).toBe(before.servers.length + 1)
})
