import { request as httpRequest } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { verifies } from '../requirements.ts'
import { startWorld, until, type World } from '../support/fixture-world.ts'
import { rawCall } from '../support/mcp-request.ts'

let world: World
let token: string
beforeAll(async () => {
  world = await startWorld({ allowedOrigins: ['https://tools.example.com'] })
  token = await world.issuer.token(world.url)
})
afterAll(() => world.stop())

interface Raw {
  method?: string
  path?: string
  headers?: Record<string, string | string[]>
  body?: string
}

/** Byte for byte what a test says: `fetch` would put the headers right. */
function raw({
  method = 'POST',
  path = '/mcp',
  headers = {},
  body = '',
}: Raw): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port, host } = new URL(world.url)
    const request = httpRequest(
      { hostname, port, path, method, headers: { host, ...headers }, setHost: false },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        )
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
}
const modernHeaders = (name = 'echo') => ({
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'tools/call',
  'mcp-name': name,
  authorization: `Bearer ${token}`,
})
const callBody = (name = 'echo', args: unknown = { text: 'x' }) =>
  JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name, arguments: args, _meta: meta } })
const errorOf = (answer: { body: string }) =>
  (JSON.parse(answer.body) as { error: { code: number; data: { code: string } } }).error
const call = (tool: string, args: Record<string, unknown>, change: Partial<Parameters<typeof rawCall>[0]> = {}) =>
  rawCall({ url: world.url, token, tool, arguments: args, ...change })

describe('metadata', () => {
  it('says where tokens come from (RFC 9728)', async () => {
    verifies('AUTH-1.1')
    for (const path of ['', '/mcp']) {
      const response = await fetch(`${world.server.url}/.well-known/oauth-protected-resource${path}`)
      expect(await response.json()).toMatchObject({
        resource: world.url,
        authorization_servers: [world.issuer.url],
        dpop_signing_alg_values_supported: ['ES256'],
      })
    }
  })

  it('shows the record and the surface digest, and never the tools', async () => {
    const text = await (await fetch(`${world.server.url}/.well-known/gatehouse-server`)).text()
    expect(JSON.parse(text)).toMatchObject({
      id: 'fixture',
      surfaceDigest: world.server.surfaceDigest,
      state: { kind: 'serving' },
    })
    expect(text).not.toContain('ads_only')
  })

  it('tells health and metrics', async () => {
    await call('echo', { text: 'x' })
    expect((await fetch(`${world.server.url}/healthz`)).status).toBe(200)
    const metrics = await (await fetch(`${world.server.url}/metrics`)).text()
    expect(metrics).toContain('mcp_server_operation_duration')
    expect((await fetch(`${world.server.url}/elsewhere`)).status).toBe(404)
  })
})

describe('before authentication', () => {
  it('another Host is refused, and so is a browser’s origin that is not allowed', async () => {
    const host = await raw({ headers: { ...modernHeaders(), host: 'evil.example.com' }, body: callBody() })
    expect([host.status, errorOf(host).data.code]).toEqual([403, 'host_refused'])
    const origin = await raw({ headers: { ...modernHeaders(), origin: 'https://evil.example.com' }, body: callBody() })
    expect([origin.status, errorOf(origin).data.code]).toEqual([403, 'origin_refused'])
    const allowed = await raw({
      headers: { ...modernHeaders(), origin: 'https://tools.example.com' },
      body: callBody(),
    })
    expect(allowed.status).toBe(200)
    expect(
      (await raw({ method: 'GET', path: '/.well-known/gatehouse-server', headers: { host: 'evil.example.com' } }))
        .status,
    ).toBe(403)
  })

  it('no token, a wrong one, two, or a bound one as bearer: refused with a challenge', async () => {
    verifies('AUTH-6.2', 'AUTH-7.1')
    const { authorization, ...without } = modernHeaders()
    const none = await raw({ headers: without, body: callBody() })
    expect([none.status, errorOf(none).data.code]).toEqual([401, 'token_missing'])
    expect(none.headers['www-authenticate']).toContain('resource_metadata="')
    const wrong = await raw({ headers: { ...without, authorization: 'Bearer x' }, body: callBody() })
    expect([wrong.status, errorOf(wrong).data.code]).toEqual([401, 'token_invalid'])
    const two = await raw({ headers: { ...without, authorization: [authorization, authorization] }, body: callBody() })
    expect([two.status, errorOf(two).data.code]).toEqual([400, 'authorization_repeated'])
    const bearer = await call('echo', { text: 'x' }, { token: await world.boundToken() })
    expect([bearer.status, errorOf(bearer).data.code]).toEqual([401, 'bearer_not_allowed'])
  })

  it('a token for another server is refused', async () => {
    verifies('AUTH-2.3')
    const other = await call('echo', { text: 'x' }, { token: await world.issuer.token('http://127.0.0.1:1/mcp') })
    expect(other.status).toBe(401)
  })

  it('a bound token with its proof is served', async () => {
    verifies('AUTH-6.1')
    const answer = await call('echo', { text: 'x' }, { token: await world.boundToken(), device: world.device })
    expect(answer).toMatchObject({ status: 200, isError: false, structured: { value: 'x' } })
  })

  it('refusals are in the audit, without a caller', async () => {
    verifies('OBS-2.1')
    await until(() =>
      world.registry.audit.some((event) => event.outcome === 'token_missing' && event.caller === undefined),
    )
  })
})

describe('the body', () => {
  it('that names a key twice is refused before anything reads it', async () => {
    verifies('SRV-KIT.7')
    const twice = callBody().replace('"text":"x"', '"text":"x","text":"y"')
    const answer = await raw({ headers: modernHeaders(), body: twice })
    expect([answer.status, errorOf(answer).code, errorOf(answer).data.code]).toEqual([
      400,
      -32700,
      'json_duplicate_key',
    ])
  })

  it('that is no JSON, not UTF-8, too deep, of another type, or too large is refused', async () => {
    verifies('SRV-KIT.7')
    const codes = async (request: Raw) => {
      const answer = await raw({ ...request, headers: { ...modernHeaders(), ...request.headers } })
      return [answer.status, errorOf(answer).data.code]
    }
    expect(await codes({ body: '{' })).toEqual([400, 'json_syntax'])
    expect(await codes({ body: '' })).toEqual([400, 'json_syntax'])
    expect(await codes({ body: '['.repeat(1000) + ']'.repeat(1000) })).toEqual([400, 'json_depth'])
    expect(await codes({ body: callBody(), headers: { 'content-type': 'text/plain' } })).toEqual([415, 'content_type'])
    expect(await codes({ body: callBody('echo', { text: 'x'.repeat(1024 * 1024) }) })).toEqual([413, 'body_too_large'])
    expect(await codes({ body: `[${callBody()}]` })).toEqual([400, 'batch_refused'])
  })

  it('that differs from the headers is refused, in both eras', async () => {
    const name = await raw({ headers: modernHeaders('whoami'), body: callBody('echo') })
    expect([name.status, errorOf(name).code]).toEqual([400, -32020])
    const method = await raw({ headers: { ...modernHeaders(), 'mcp-method': 'tools/list' }, body: callBody() })
    expect([method.status, errorOf(method).code]).toEqual([400, -32020])
    const { 'mcp-method': _method, 'mcp-name': _name, ...bare } = modernHeaders()
    const missing = await raw({ headers: bare, body: callBody() })
    expect([missing.status, (JSON.parse(missing.body) as { error: { code: number } }).error.code]).toEqual([
      400, -32020,
    ])
    const legacyBody = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'ads_only', arguments: {} },
    })
    const { 'mcp-protocol-version': _version, ...legacyHeaders } = modernHeaders()
    const legacy = await raw({ headers: legacyHeaders, body: legacyBody })
    expect([legacy.status, errorOf(legacy).data.code]).toEqual([400, 'header_mismatch'])
  })

  it('of a legacy call needs a session, which is its opener’s alone', async () => {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    const initialize = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
    })
    const listBody = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list' })
    const without = await raw({ headers: { ...headers, authorization: `Bearer ${token}` }, body: listBody })
    expect([without.status, errorOf(without).data.code]).toEqual([400, 'session_missing'])
    const opened = await raw({ headers: { ...headers, authorization: `Bearer ${token}` }, body: initialize })
    const session = String(opened.headers['mcp-session-id'])
    expect(opened.status).toBe(200)
    const inSession = (authorization: string) =>
      raw({ headers: { ...headers, 'mcp-session-id': session, authorization }, body: listBody })
    expect((await inSession(`Bearer ${token}`)).status).toBe(200)
    const finn = await inSession(`Bearer ${await world.issuer.token(world.url, { sub: 'finn' })}`)
    expect([finn.status, errorOf(finn).data.code]).toEqual([404, 'session_not_found'])
    const closed = await raw({
      method: 'DELETE',
      headers: { 'mcp-session-id': session, authorization: `Bearer ${token}` },
    })
    expect(closed.status).toBe(200)
    expect((await inSession(`Bearer ${token}`)).status).toBe(404)
  })

  it('of a legacy session is decided by the groups of each request’s own token', async () => {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    const initialize = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
    })
    const opened = await raw({ headers: { ...headers, authorization: `Bearer ${token}` }, body: initialize })
    const lesser = await world.issuer.token(world.url, { groups: ['finance'] })
    const answer = await raw({
      headers: {
        ...headers,
        'mcp-session-id': String(opened.headers['mcp-session-id']),
        authorization: `Bearer ${lesser}`,
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 2,
        method: 'tools/call',
        params: { name: 'ads_only', arguments: {} },
      }),
    })
    expect(answer.body).toContain('denied')
  })
})

describe('a call', () => {
  afterEach(() => world.registry.answer({ kind: 'signed', record: world.record() }))

  it('shows the tool its caller and no token', async () => {
    const answer = await call('whoami', {}, { token: await world.boundToken(), device: world.device })
    const context = String(answer.structured['context'])
    expect(JSON.parse(context)).toMatchObject({ caller: { subject: 'ada', surface: 'ide' } })
    expect(context).not.toMatch(/eyJ/)
  })

  it('with arguments that do not fit is refused with where', async () => {
    verifies('SRV-KIT.7')
    for (const [args, path] of [
      [{ text: 7 }, 'text'],
      [{ text: 'x', other: 1 }, ''],
      [{ text: 'x', times: 0 }, 'times'],
      [{}, 'text'],
    ] as const) {
      const { isError, structured } = await call('echo', args)
      expect(isError).toBe(true)
      expect(structured).toMatchObject({ code: 'invalid_arguments', issues: [{ path }] })
    }
  })

  it('that fails inside says nothing of the inside', async () => {
    const failed = await call('fail', { how: 'error' })
    expect(failed.structured).toEqual({
      code: 'internal_error',
      message: 'the tool failed; the log of the server says why',
    })
    expect(failed.body).not.toContain('db.internal')
    expect(world.log.join()).toContain('db.internal')
    expect((await call('fail', { how: 'bad_output' })).structured).toMatchObject({ code: 'internal_error' })
    verifies('SRV-KIT.7')
    expect((await call('fail', { how: 'large' })).structured).toMatchObject({ code: 'result_too_large' })
  })

  it('asks the policy for the server’s own resources', async () => {
    expect((await call('read_table', { table: 'ads.revenue' })).structured).toEqual({ value: 'ads.revenue' })
    const finance = await world.issuer.token(world.url, { groups: ['finance'] })
    expect((await call('read_table', { table: 'ads.revenue' }, { token: finance })).structured).toMatchObject({
      code: 'table_denied',
    })
    expect((await call('read_table', { table: 'tpch.orders' }, { token: finance })).structured).toEqual({
      value: 'tpch.orders',
    })
  })

  it('by one outside the groups says what is needed and whom to ask', async () => {
    verifies('AUTH-8.3', 'AUTH-9.1')
    const nobody = await world.issuer.token(world.url, { sub: 'carl', groups: [] })
    const { status, structured } = await call('echo', { text: 'x' }, { token: nobody })
    expect(status).toBe(403)
    expect(structured).toMatchObject({
      message: 'needs one of the groups ads, finance; ask #fixture-help',
      data: { code: 'denied' },
    })
  })

  it('from another surface is denied', async () => {
    const web = await world.issuer.token(world.url, { client_id: 'other-web' })
    expect((await call('echo', { text: 'x' }, { token: web })).structured).toMatchObject({
      message: 'works only from ide, cli; ask #fixture-help',
      data: { code: 'denied' },
    })
  })

  it('of a tool that is not there looks like one of a tool that may not be known', async () => {
    verifies('AUTH-8.2')
    const hidden = await startWorld({}, { record: { discoverable: false } })
    try {
      const own = await hidden.issuer.token(hidden.url, { groups: ['finance'] })
      const ask = (tool: string) => rawCall({ url: hidden.url, token: own, tool, arguments: {} })
      expect((await ask('ads_only')).body).toContain('unknown tool')
      expect((await ask('ads_only')).body).toBe((await ask('no_such_tool')).body)
      expect((await ask('ads_only')).status).toBe((await ask('no_such_tool')).status)
    } finally {
      await hidden.stop()
    }
  })

  it('is in the audit before its result, redacted and without rows or tokens', async () => {
    verifies('OBS-2.1', 'OBS-2.2')
    await call('echo', { text: 'said aloud', secret: 'hush hush' })
    await call('ads_only', {}, { token: await world.issuer.token(world.url, { groups: ['finance'] }) })
    await until(() => world.registry.audit.some((event) => event.tool === 'ads_only' && event.outcome === 'denied'))
    const said = () =>
      world.registry.audit.find((item) => item.tool === 'echo' && JSON.stringify(item.arguments).includes('said aloud'))
    await until(() => said() !== undefined)
    const event = said()
    expect(event).toMatchObject({
      server: 'fixture',
      action: 'call',
      outcome: 'ok',
      decision: { allowed: true },
      caller: { subject: 'ada' },
    })
    const everything = JSON.stringify(world.registry.audit)
    expect(everything).not.toContain('hush hush')
    expect(everything).not.toMatch(/eyJ[A-Za-z0-9_-]{10}/)
    expect(world.log.join()).not.toMatch(/eyJ[A-Za-z0-9_-]{10}/)
  })

  it('ends when its caller goes away', async () => {
    verifies('SRV-KIT.6')
    const before = world.tools.ended.length
    const gone = new AbortController()
    const pending = fetch(world.url, {
      method: 'POST',
      headers: modernHeaders('wait'),
      body: callBody('wait', {}),
      signal: gone.signal,
    })
    setTimeout(() => gone.abort(), 150)
    await expect(pending).rejects.toThrow()
    await until(() => world.tools.ended.length > before)
    expect(world.tools.ended.at(-1)).toBe('aborted')
  })

  it('that takes too long is ended', async () => {
    const quick = await startWorld({ limits: { time: 100 } })
    try {
      const answer = await rawCall({
        url: quick.url,
        token: await quick.issuer.token(quick.url),
        tool: 'wait',
        arguments: {},
      })
      expect(answer.structured).toMatchObject({ code: 'time_limit' })
    } finally {
      await quick.stop()
    }
  })

  it('lists with a lifetime and privately', async () => {
    const { 'mcp-name': _name, ...headers } = modernHeaders()
    const listHeaders = { ...headers, 'mcp-method': 'tools/list' }
    const response = await raw({
      headers: listHeaders,
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } }),
    })
    expect(response.body).toContain('"cacheScope":"private"')
    expect(response.body).toMatch(/"ttlMs":[1-9]/)
  })
})
