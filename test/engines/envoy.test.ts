import { EDGE_HEADERS } from '@gatehouse/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EdgeWorld, type Reached, startEdgeWorld } from '../support/edge-world.ts'

let world: EdgeWorld
beforeAll(async () => {
  world = await startEdgeWorld()
}, 240_000)
afterAll(() => world.stop())

async function ask(headers: Readonly<Record<string, string>>, path = '/presto/mcp', method = 'POST') {
  const response = await fetch(`${world.edge.url}${path}`, { method, headers })
  return { status: response.status, headers: response.headers, body: (await response.json()) as unknown }
}

describe('a request with a good token', () => {
  test('reaches the server, which is told whose it is', async () => {
    const token = await world.token({ groups: ['ads', 'a+b/c?d~é'] })
    const answer = await ask({ authorization: `Bearer ${token}` })
    expect(answer.status).toBe(200)
    const { headers, url } = answer.body as Reached
    expect(url).toBe('/mcp')
    expect(headers).toMatchObject({
      authorization: `Bearer ${token}`,
      [EDGE_HEADERS.user]: 'ada',
      [EDGE_HEADERS.client]: 'gatehouse-cli',
    })
    expect(JSON.parse(Buffer.from(headers[EDGE_HEADERS.groups] ?? '', 'base64').toString())).toEqual([
      'ads',
      'a+b/c?d~é',
    ])
    expect(headers[EDGE_HEADERS.thumbprint]).toBeUndefined()
  })
})

describe('a request without a token that is good here', () => {
  test.each([
    ['none', async () => ({}), 'token_missing', 401],
    ['another resource', async () => bearer({ aud: 'https://elsewhere.example.com/mcp' }), 'token_invalid', 401],
    ['another issuer', async () => bearer({ iss: 'https://elsewhere.example.com' }), 'token_invalid', 401],
    ['expired', async () => bearer({ exp: 1_000 }), 'token_expired', 401],
    ['of an unknown client', async () => bearer({ client_id: 'stranger' }), 'client_unknown', 403],
    ['of a stranger to the groups', async () => bearer({ groups: ['infra'] }), 'denied', 403],
    ['from another surface', async () => bearer({ client_id: 'other-web' }), 'denied', 403],
    [
      'in the middle of a header',
      async () => ({ authorization: `Basic x Bearer ${await world.token()}` }),
      'token_invalid',
      401,
    ],
  ])('%s: is refused as the server would refuse it', async (_name, headers, code, status) => {
    const before = world.reached.length
    const answer = await ask(await headers())
    expect(answer).toMatchObject({ status, body: { jsonrpc: '2.0', id: null, error: { data: { code } } } })
    expect(world.reached.length).toBe(before)
  })

  async function bearer(claims: Record<string, unknown>) {
    return { authorization: `Bearer ${await world.token(claims)}` }
  }
})
