import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { signIn } from './flow.ts'
import {
  ACCESS_TOKEN_TYPE,
  DEV_SECRET,
  type Device,
  EXCHANGE,
  newDevice,
  PRESTO,
  REGISTRY,
  requestToken,
  startForTest,
} from './support.ts'

let identity: Awaited<ReturnType<typeof startForTest>>
let device: Device
let tokens: { access_token: string; refresh_token: string }
beforeAll(async () => {
  identity = await startForTest()
  device = await newDevice()
  tokens = (await signIn(identity.url, 'ada', device)).body as typeof tokens
})
afterAll(() => identity.stop())

function exchange(subjectToken: string, overrides: Record<string, string> = {}, key: Device | undefined = device) {
  const form = {
    grant_type: EXCHANGE,
    client_id: 'gatehouse-vscode',
    subject_token: subjectToken,
    subject_token_type: ACCESS_TOKEN_TYPE,
    resource: PRESTO,
    ...overrides,
  }
  return requestToken(identity.url, form, key)
}

async function devToken(body: Record<string, unknown>): Promise<string> {
  const response = await fetch(`${identity.url}/dev/token`, {
    method: 'POST',
    headers: { authorization: `Bearer ${DEV_SECRET}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      user: 'ada',
      resource: REGISTRY,
      client: 'gatehouse-vscode',
      jkt: device.thumbprint,
      ...body,
    }),
  })
  const { access_token: token } = (await response.json()) as { access_token: string }
  return token
}

test('the registry token of one sign-in becomes a token for a server, bound to the same key', async () => {
  verifies('AUTH-2.1', 'AUTH-2.2')
  const reply = await exchange(tokens.access_token)
  expect(reply.status).toBe(200)
  expect(reply.body).toMatchObject({
    token_type: 'DPoP',
    issued_token_type: ACCESS_TOKEN_TYPE,
    expires_in: 600,
    scope: 'mcp',
  })
  expect(decodeJwt(String(reply.body['access_token']))).toMatchObject({
    aud: PRESTO,
    sub: 'ada',
    groups: ['ads'],
    client_id: 'gatehouse-vscode',
    scope: 'mcp',
    cnf: { jkt: device.thumbprint },
  })
  expect(reply.body['refresh_token']).toBeUndefined()
})

describe('refused', () => {
  test('a proof by another device key', async () => {
    verifies('AUTH-6.1')
    const reply = await exchange(tokens.access_token, {}, await newDevice())
    expect(reply).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  test('no proof at all', async () => {
    const form = { grant_type: EXCHANGE, client_id: 'gatehouse-vscode', subject_token: tokens.access_token }
    const reply = await requestToken(identity.url, { ...form, subject_token_type: ACCESS_TOKEN_TYPE, resource: PRESTO })
    expect(reply).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  test('a token of another client', async () => {
    const reply = await exchange(await devToken({ client: 'gatehouse-cli' }))
    expect(reply).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(reply.body['error_description']).toBeDefined()
  })

  test('a client that is not registered for exchange', async () => {
    const reply = await exchange(await devToken({ client: 'gatehouse-cli' }), { client_id: 'gatehouse-cli' })
    expect(reply).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
  })

  test('a token that a server was sent: its audience is not the registry', async () => {
    verifies('AUTH-2.3')
    const forServer = (await exchange(tokens.access_token)).body['access_token']
    const reply = await exchange(String(forServer), { resource: 'http://other.test/mcp' })
    expect(reply).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  test('an expired token', async () => {
    const reply = await exchange(await devToken({ expiresIn: -120 }))
    expect(reply).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  test('a token of another issuer, an identity token, and no token', async () => {
    const other = await startForTest()
    const foreign = (await signIn(other.url, 'ada', device)).body
    await other.stop()
    for (const token of [String(foreign['access_token']), String(foreign['id_token']), 'nonsense']) {
      expect(await exchange(token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    }
    expect(await exchange('')).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
  })

  test('a request that is not for one access token for one resource', async () => {
    const cases: [Record<string, string>, string][] = [
      [{ resource: 'presto' }, 'invalid_target'],
      [{ resource: `${PRESTO}#x` }, 'invalid_target'],
      [{ scope: 'mcp admin' }, 'invalid_scope'],
      [{ subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' }, 'invalid_request'],
      [{ requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }, 'invalid_request'],
      [{ audience: 'presto' }, 'invalid_request'],
      [{ actor_token: 'x' }, 'invalid_request'],
    ]
    for (const [overrides, error] of cases) {
      expect(await exchange(tokens.access_token, overrides)).toMatchObject({ status: 400, body: { error } })
    }
  })

  test('after sign-out', async () => {
    verifies('AUTH-3.2')
    const signedIn = (await signIn(identity.url, 'ada', device)).body
    expect((await exchange(String(signedIn['access_token']))).status).toBe(200)
    const revoked = await fetch(`${identity.url}/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'gatehouse-vscode', token: String(signedIn['refresh_token']) }),
    })
    expect(revoked.status).toBe(200)
    expect(await exchange(String(signedIn['access_token']))).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    })
    // The other sign-in of the same person goes on.
    expect((await exchange(tokens.access_token)).status).toBe(200)
  })
})
