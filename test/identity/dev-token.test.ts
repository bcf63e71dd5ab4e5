import { decodeJwt } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { authorizeUrl, DEV_SECRET, newDevice, PRESTO, startForTest } from './support.ts'

let identity: Awaited<ReturnType<typeof startForTest>>
beforeAll(async () => {
  identity = await startForTest()
})
afterAll(() => identity.stop())

function request(body: string, authorization = `Bearer ${DEV_SECRET}`, url = identity.url) {
  return fetch(`${url}/dev/token`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body,
  })
}

test('gives a bearer token for the command line client', async () => {
  const response = await request(JSON.stringify({ user: 'finn', resource: PRESTO, expiresIn: 30 }))
  expect(response.headers.get('cache-control')).toBe('no-store')
  const body = (await response.json()) as { access_token: string; expires_in: number; token_type: string }
  expect(body).toMatchObject({ expires_in: 30, token_type: 'Bearer' })
  const claims = decodeJwt(body.access_token)
  expect(claims).toMatchObject({
    aud: PRESTO,
    sub: 'finn',
    groups: ['finance'],
    client_id: 'gatehouse-cli',
    scope: 'mcp',
  })
  expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(30)
})

test('gives a token bound to a key, and for the editor no other', async () => {
  const { thumbprint } = await newDevice()
  const body = { user: 'ada', resource: PRESTO, client: 'gatehouse-vscode' }
  const bound = (await (await request(JSON.stringify({ ...body, jkt: thumbprint }))).json()) as { access_token: string }
  expect(decodeJwt(bound.access_token)).toMatchObject({ cnf: { jkt: thumbprint }, client_id: 'gatehouse-vscode' })
  expect((await request(JSON.stringify(body))).status).toBe(400)
})

test('gives the team chat’s bot tokens bound to its key, and lets nobody sign in as it', async () => {
  verifies('AUTH-11.4')
  const { thumbprint } = await newDevice()
  const body = { user: 'ada', resource: PRESTO, client: 'gatehouse-team-chat' }
  const bound = (await (await request(JSON.stringify({ ...body, jkt: thumbprint }))).json()) as { access_token: string }
  expect(decodeJwt(bound.access_token)).toMatchObject({ cnf: { jkt: thumbprint }, client_id: 'gatehouse-team-chat' })
  expect((await request(JSON.stringify(body))).status).toBe(400)

  const asked = authorizeUrl(identity.url, 'x'.repeat(43), { client_id: 'gatehouse-team-chat' })
  const answer = await fetch(asked, { redirect: 'manual' })
  expect(answer.status).toBe(400)
  expect(answer.headers.get('location')).toBeNull()
})

test('a wrong secret, an unknown person, field or resource, and duplicate keys are refused', async () => {
  const good = { user: 'ada', resource: PRESTO }
  expect((await request(JSON.stringify(good), 'Bearer wrong')).status).toBe(401)
  const cases = [
    { ...good, user: 'nobody' },
    { ...good, resource: 'presto' },
    { ...good, groups: ['infra'] },
    { ...good, client: 'other' },
  ]
  for (const body of cases) expect((await request(JSON.stringify(body))).status).toBe(400)
  const duplicate = await request(`{"user":"carl","user":"ines","resource":"${PRESTO}"}`)
  expect(duplicate.status).toBe(400)
  expect(await duplicate.json()).toMatchObject({ code: 'request_invalid' })
})

test('without a development secret the endpoint does not exist', async () => {
  const { devSecret: _devSecret, ...config } = { host: '127.0.0.1', port: 0, devSecret: DEV_SECRET }
  const { startIdentity } = await import('@gatehouse/identity')
  const other = await startIdentity({ ...config, data: `${identity.data}-other` })
  expect((await request(JSON.stringify({ user: 'ada', resource: PRESTO }), undefined, other.url)).status).toBe(404)
  await other.stop()
})
