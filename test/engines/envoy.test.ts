import { EDGE_HEADERS, FOREIGN_IDENTITY_HEADERS } from '@gatehouse/contracts'
import { serverDenials } from '@gatehouse/kit/edge'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { Device } from '../support/device.ts'
import { type EdgeWorld, type Reached, startEdgeWorld } from '../support/edge-world.ts'
import { until } from '../support/fixture-world.ts'
import { rawHttp } from '../support/raw-http.ts'

let world: EdgeWorld
beforeAll(async () => {
  world = await startEdgeWorld()
}, 240_000)
afterAll(() => world.stop())

type Headers = Readonly<Record<string, string>>

async function ask(headers: Headers, path = '/presto/mcp', method = 'POST') {
  const response = await fetch(`${world.edge.url}${path}`, { method, headers })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? text : JSON.parse(text)) as unknown,
  }
}

async function bearer(claims: Readonly<Record<string, unknown>> = {}): Promise<Headers> {
  return { authorization: `Bearer ${await world.token(claims)}` }
}

/** The connection ends after the answer. */
function raw(...lines: readonly string[]) {
  const { host } = new URL(world.edge.url)
  return rawHttp(world.edge.url, (socket) => {
    socket.write(['POST /presto/mcp HTTP/1.1', `Host: ${host}`, ...lines, 'Connection: close', '', ''].join('\r\n'))
  })
}

describe('a request with a good token', () => {
  test('reaches the server, which is told whose the token is', async () => {
    verifies('AUTH-7.4')
    const headers = await bearer({ groups: ['ads', 'a+b/c?d~é'] })
    const { status, body } = await ask(headers)
    expect(status).toBe(200)
    const reached = body as Reached
    expect(reached.url).toBe('/mcp')
    expect(reached.headers).toMatchObject({
      ...headers,
      host: new URL(world.edge.url).host,
      [EDGE_HEADERS.user]: 'ada',
      [EDGE_HEADERS.client]: 'gatehouse-cli',
    })
    expect(reached.headers[EDGE_HEADERS.expires]).toMatch(/^\d{10}$/)
    const groups = Buffer.from(reached.headers[EDGE_HEADERS.groups] ?? '', 'base64').toString()
    expect(JSON.parse(groups)).toEqual(['ads', 'a+b/c?d~é'])
    expect(reached.headers[EDGE_HEADERS.thumbprint]).toBeUndefined()
  })

  test.each(['DPoP', 'dpop', 'Bearer', 'bearer'])('passes with the scheme %s, and with its key', async (scheme) => {
    verifies('AUTH-7.4')
    const device = await Device.create()
    const token = await world.token({ client_id: 'gatehouse-vscode', cnf: { jkt: device.thumbprint } })
    const proof = await device.proof('POST', world.url, token)
    const { status, body } = await ask({ authorization: `${scheme} ${token}`, dpop: proof })
    expect(status).toBe(200)
    expect((body as Reached).headers).toMatchObject({ dpop: proof, [EDGE_HEADERS.thumbprint]: device.thumbprint })
  })

  test('may be in hundreds of groups', async () => {
    const groups = ['ads', ...Array.from({ length: 300 }, (_, index) => `team-${index}`)]
    const { status, body } = await ask(await bearer({ groups }))
    expect(status).toBe(200)
    const header = (body as Reached).headers[EDGE_HEADERS.groups] ?? ''
    expect(JSON.parse(Buffer.from(header, 'base64').toString())).toEqual(groups)
  })

  test('that is badly presented is for the server to refuse, which knows why', async () => {
    for (const headers of [
      { authorization: `DPoP ${await world.token({ groups: ['infra'] })}` },
      await bearer({ groups: ['infra'], cnf: { jkt: 'x' } }),
      await bearer({ groups: 'infra' }),
    ])
      expect((await ask(headers)).status).toBe(200)
  })
})

describe('a request without a token that is good here', () => {
  test.each<[string, () => Promise<Headers>, number, string]>([
    ['none', async () => ({}), 401, 'token_missing'],
    ['another resource', () => bearer({ aud: 'https://elsewhere.example.com/mcp' }), 401, 'token_invalid'],
    ['another issuer', () => bearer({ iss: 'https://elsewhere.example.com' }), 401, 'token_invalid'],
    ['not yet valid', () => bearer({ nbf: Date.now() / 1000 + 600 }), 401, 'token_invalid'],
    ['expired', () => bearer({ exp: 1_000 }), 401, 'token_expired'],
    ['without an end', () => bearer({ exp: undefined }), 401, 'token_invalid'],
    ['too long', async () => ({ authorization: `Bearer ${'a'.repeat(9_000)}` }), 401, 'token_too_long'],
    ['of an unknown client', () => bearer({ client_id: 'stranger' }), 403, 'client_unknown'],
    ['of no client', () => bearer({ client_id: undefined }), 403, 'client_unknown'],
    [
      'behind another scheme',
      async () => ({ authorization: `Basic x Bearer ${await world.token()}` }),
      401,
      'token_invalid',
    ],
    [
      'two at once',
      async () => ({ authorization: `Bearer ${await world.token()}, DPoP x` }),
      400,
      'authorization_repeated',
    ],
  ])('%s: is refused as the server would refuse it', async (_name, headers, status, code) => {
    verifies('AUTH-7.5')
    const before = world.reached.length
    const answer = await ask(await headers())
    expect(answer).toMatchObject({ status, body: { jsonrpc: '2.0', id: null, error: { data: { code } } } })
    expect(answer.headers.get('www-authenticate')).toMatch(
      new RegExp(
        `^Bearer .*resource_metadata="${world.edge.url}/.well-known/oauth-protected-resource/presto/mcp", DPoP algs="ES256"`,
      ),
    )
    expect(world.reached.length).toBe(before)
  })

  test.each(['none', 'HS256'])('signed by %s: is refused', async (alg) => {
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const [, payload] = (await world.token()).split('.')
    const token = `${encode({ alg, typ: 'at+jwt', kid: 'issuer' })}.${payload}.${alg === 'none' ? '' : 'AAAA'}`
    const { status, body } = await ask({ authorization: `Bearer ${token}` })
    expect({ status, body }).toMatchObject({ status: 401, body: { error: { data: { code: 'token_invalid' } } } })
  })
})

describe('whom the record denies', () => {
  test.each([
    ['of other groups', { groups: ['infra'] }, 'server-groups'],
    ['of no groups', { groups: undefined }, 'server-groups'],
    ['on another surface', { client_id: 'other-web' }, 'server-surface'],
  ])('%s: is told the reason of the server', async (_name, claims, rule) => {
    verifies('AUTH-7.5')
    const { status, body } = await ask(await bearer(claims))
    const reason = serverDenials(world.record).find((denial) => denial.rule === rule)?.reason
    expect({ status, body }).toEqual({
      status: 403,
      body: { jsonrpc: '2.0', id: null, error: { code: -32_000, message: reason, data: { code: 'denied' } } },
    })
  })

  test('a tool of other groups, named in the headers of the modern era', async () => {
    verifies('AUTH-7.5')
    const call = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call' }
    const denied = await ask({ ...(await bearer()), ...call, 'mcp-name': 'ledger' })
    expect(denied).toMatchObject({
      status: 403,
      body: { error: { message: 'needs the group finance; ask #data-platform', data: { code: 'denied' } } },
    })
    expect((await ask({ ...(await bearer()), ...call, 'mcp-name': 'search' })).status).toBe(200)
    expect((await ask({ ...(await bearer({ groups: ['finance'] })), ...call, 'mcp-name': 'ledger' })).status).toBe(200)
  })
})

describe('whoever says in a header who calls', () => {
  const names = [...Object.values(EDGE_HEADERS), ...FOREIGN_IDENTITY_HEADERS]
  test.each(names.flatMap((name) => [name, name.toUpperCase(), name.replaceAll('-', '_'), name.replaceAll('-', '.')]))(
    '%s: is refused',
    async (name) => {
      verifies('AUTH-7.4')
      const before = world.reached.length
      const { authorization } = await bearer()
      const answer = await raw(`Authorization: ${authorization}`, `${name}: eve`, 'Content-Length: 0')
      expect([answer.status, answer.code]).toEqual([400, 'identity_header_refused'])
      expect(world.reached.length).toBe(before)
    },
  )

  test('repeated Authorization headers, of which two readers would take different ones', async () => {
    const { authorization } = await bearer()
    const answer = await raw(`Authorization: ${authorization}`, `Authorization: ${authorization}`, 'Content-Length: 0')
    expect([answer.status, answer.code]).toEqual([400, 'authorization_repeated'])
  })
})

describe('what is no request to a server', () => {
  test('the metadata of a server is for everybody, at the path of RFC 9728', async () => {
    const { status, body } = await ask({}, '/.well-known/oauth-protected-resource/presto/mcp', 'GET')
    expect([status, (body as Reached).url]).toEqual([200, '/.well-known/oauth-protected-resource/mcp'])
  })

  test.each([
    ['/presto/mcp/', 'POST', 404, 'not_found'],
    ['/mcp', 'POST', 404, 'not_found'],
    ['/presto/metrics', 'GET', 404, 'not_found'],
    ['/presto%2fmcp', 'POST', 400, 'http_malformed'],
  ])('%s with %s: %i %s', async (path, method, status, code) => {
    expect(await ask(await bearer(), path, method)).toMatchObject({ status, body: { code } })
  })

  test('a method that the endpoint does not have', async () => {
    const { status, headers, body } = await ask(await bearer(), '/presto/mcp', 'PUT')
    expect([status, headers.get('allow')]).toEqual([405, 'GET, POST, DELETE'])
    expect(body).toMatchObject({ error: { data: { code: 'method_not_allowed' } } })
  })

  test('another host, headers beyond bounds, and what is not HTTP', async () => {
    const at = (text: string) => rawHttp(world.edge.url, (socket) => void socket.write(text))
    const answers = await Promise.all([
      at('POST /presto/mcp HTTP/1.1\r\nHost: evil.example.com\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'),
      raw(`X-Large: ${'a'.repeat(40_000)}`),
      raw('X-Name : value'),
    ])
    expect(answers.map(({ status, code }) => [status, code])).toEqual([
      [403, 'host_refused'],
      [431, 'headers_too_large'],
      [400, 'http_malformed'],
    ])
  })
})

test('the access log says who asked for what, and never shows a token', async () => {
  verifies('OBS-1.1')
  const headers = { ...(await bearer()), traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }
  await ask({ ...headers, 'mcp-method': 'tools/list', cookie: 'secret=1' }, '/presto/mcp?access_token=secret')
  await until(() => world.edge.accessLog().some(({ traceparent }) => traceparent === headers.traceparent))
  expect(world.edge.accessLog().find(({ traceparent }) => traceparent === headers.traceparent)).toMatchObject({
    server: 'presto',
    subject: 'ada',
    client: 'gatehouse-cli',
    groups: ['ads'],
    mcpMethod: 'tools/list',
    status: 200,
    code: null,
  })
  expect(JSON.stringify(world.edge.accessLog())).not.toMatch(/eyJ|secret/)
})
