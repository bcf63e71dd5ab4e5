import { statSync } from 'node:fs'
import { join } from 'node:path'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { signIn } from './flow.ts'
import {
  ACCESS_TOKEN_TYPE,
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
beforeAll(async () => {
  identity = await startForTest()
  device = await newDevice()
})
afterAll(() => identity.stop())

function refresh(token: unknown, overrides: Record<string, string> = {}, key: Device | undefined = device) {
  const form = {
    grant_type: 'refresh_token',
    client_id: 'gatehouse-vscode',
    refresh_token: String(token),
    ...overrides,
  }
  return requestToken(identity.url, form, key)
}

test('a refresh rotates the refresh token and gives a registry token', async () => {
  verifies('AUTH-5.1')
  const first = (await signIn(identity.url, 'ada', device)).body
  const second = await refresh(first['refresh_token'])
  expect(second.status).toBe(200)
  expect(second.body['refresh_token']).not.toBe(first['refresh_token'])
  expect(decodeJwt(String(second.body['access_token']))).toMatchObject({ aud: REGISTRY, sub: 'ada', groups: ['ads'] })
  expect((await refresh(second.body['refresh_token'])).status).toBe(200)
})

test('a refresh token used twice ends the sign-in, for the newer token too', async () => {
  verifies('AUTH-5.1')
  const first = (await signIn(identity.url, 'ada', device)).body
  const second = (await refresh(first['refresh_token'])).body
  expect(await refresh(first['refresh_token'])).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  expect(await refresh(second['refresh_token'])).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
})

test('of refreshes that race with one token at most one gets an answer', async () => {
  const first = (await signIn(identity.url, 'ada', device)).body
  const replies = await Promise.all(Array.from({ length: 8 }, () => refresh(first['refresh_token'])))
  expect(replies.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1)
  expect(replies.every(({ status }) => status === 200 || status === 400)).toBe(true)
})

test('a refresh token is worth nothing with another key, for another client, or for another resource', async () => {
  verifies('AUTH-6.1')
  const { refresh_token: token } = (await signIn(identity.url, 'ada', device)).body
  expect(await refresh(token, {}, await newDevice())).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  expect(await refresh(token, { client_id: 'gatehouse-cli' })).toMatchObject({
    status: 400,
    body: { error: 'invalid_grant' },
  })
  expect(await refresh(token, { resource: PRESTO })).toMatchObject({ status: 400, body: { error: 'invalid_target' } })
})

test('revocation ends the sign-in; an unknown token is no error (RFC 7009 §2.2)', async () => {
  verifies('AUTH-3.2')
  const { refresh_token: token } = (await signIn(identity.url, 'ada', device)).body
  const revoke = (value: unknown, client = 'gatehouse-vscode') =>
    fetch(`${identity.url}/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: client, token: String(value) }),
    })
  expect((await revoke('unknown')).status).toBe(200)
  // Another client cannot end it.
  await revoke(token, 'gatehouse-cli')
  const kept = await refresh(token)
  expect(kept.status).toBe(200)
  expect((await revoke(kept.body['refresh_token'])).status).toBe(200)
  expect(await refresh(kept.body['refresh_token'])).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
})

test('keys, refresh tokens and grants survive a restart; the data is its user’s alone', async () => {
  const first = (await signIn(identity.url, 'finn', device)).body
  await identity.restart()
  const keys = createRemoteJWKSet(new URL(`${identity.url}/jwks`))
  await jwtVerify(String(first['access_token']), keys, { issuer: identity.url, audience: REGISTRY })
  const exchanged = await requestToken(
    identity.url,
    {
      grant_type: EXCHANGE,
      client_id: 'gatehouse-vscode',
      subject_token: String(first['access_token']),
      subject_token_type: ACCESS_TOKEN_TYPE,
      resource: PRESTO,
    },
    device,
  )
  expect(exchanged.status).toBe(200)
  expect((await refresh(first['refresh_token'])).status).toBe(200)
  for (const file of ['identity.sqlite', 'identity.sqlite-wal']) {
    expect(statSync(join(identity.data, file)).mode & 0o777).toBe(0o600)
  }
})

test('the private key is nowhere to be fetched', async () => {
  const { keys } = (await (await fetch(`${identity.url}/jwks`)).json()) as { keys: object[] }
  expect(keys).toHaveLength(1)
  expect(keys[0]).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' })
  expect(keys[0]).not.toHaveProperty('d')
})
