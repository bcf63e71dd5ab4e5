import { once } from 'node:events'
import {
  Agent,
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sendResponse } from '../../companion/packages/kit/src/http/exchange.ts'
import { AnswerStream } from '../../companion/packages/kit/src/serve/stream.ts'
import { verifies } from '../requirements.ts'
import { startWorld, until, type World } from '../support/fixture-world.ts'

let world: World
let token: string
beforeAll(async () => {
  world = await startWorld()
  token = await world.issuer.token(world.url)
})
afterAll(() => world.stop())

const BOTH = 'application/json, text/event-stream'
const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

type Headers = Record<string, string | undefined>

interface Raw {
  readonly method?: string
  readonly headers?: Headers
  readonly body?: string
  readonly agent?: Agent
}

function send({ method = 'POST', headers = {}, body = '', agent }: Raw): ClientRequest {
  const given = { authorization: `Bearer ${token}`, ...headers }
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const request = httpRequest(world.url, { method, headers: present, ...(agent && { agent }) })
  request.end(body)
  return request
}

async function raw(options: Raw): Promise<{ status: number; headers: IncomingMessage['headers']; body: string }> {
  const [response] = (await once(send(options), 'response')) as [IncomingMessage]
  return { status: response.statusCode ?? 0, headers: response.headers, body: await textOf(response) }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

const modern = (name: string, method = 'tools/call'): Headers => ({
  'content-type': 'application/json',
  accept: BOTH,
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': method,
  ...(method === 'tools/call' && { 'mcp-name': name }),
})
const rpc = (method: string, params: Record<string, unknown>, id: unknown = 7) =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params })
const call = (name: string, args: unknown, more: Record<string, unknown> = {}) =>
  rpc('tools/call', { name, arguments: args, _meta: { ...meta, ...more } })
const codeOf = (body: string) => (JSON.parse(body) as { error: { data: { code: string } } }).error.data.code
const framesOf = (text: string) =>
  text
    .split('\n\n')
    .filter((frame) => frame !== '' && !frame.startsWith(':'))
    .map((frame) => {
      const [event, data, ...rest] = frame.split('\n')
      expect([event, rest]).toEqual(['event: message', []])
      return JSON.parse(data?.replace(/^data: /, '') ?? '') as Record<string, unknown>
    })

describe('HTTP methods and types', () => {
  it('methods of neither era are refused with those that there are', async () => {
    for (const method of ['PUT', 'PATCH', 'OPTIONS', 'HEAD']) {
      const answer = await raw({ method })
      expect([method, answer.status, answer.headers.allow]).toEqual([method, 405, 'GET, POST, DELETE'])
      if (method !== 'HEAD') expect(codeOf(answer.body)).toBe('method_not_allowed')
    }
  })

  it('and are told to nobody who has no token', async () => {
    const answer = await raw({ method: 'PUT', headers: { authorization: undefined } })
    expect([answer.status, codeOf(answer.body)]).toEqual([401, 'token_missing'])
  })

  it('a body of another type, or of none, is refused', async () => {
    verifies('SRV-KIT.7')
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', undefined]) {
      const answer = await raw({
        headers: { ...modern('echo'), 'content-type': type },
        body: call('echo', { text: 'x' }),
      })
      expect([type, answer.status, codeOf(answer.body)]).toEqual([type, 415, 'content_type'])
    }
  })

  it('a client that takes no stream gets the result alone', async () => {
    const answer = await raw({
      headers: { ...modern('wait'), accept: 'application/json' },
      body: call('wait', { steps: 3 }, { progressToken: 1 }),
    })
    expect(answer.headers['content-type']).toBe('application/json')
    expect(JSON.parse(answer.body)).toMatchObject({ id: 7, result: { structuredContent: { value: 'waited' } } })
  })

  it('a legacy client that does not accept both is told so', async () => {
    const answer = await raw({
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: rpc('initialize', {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'raw', version: '1' },
      }),
    })
    expect(answer.status).toBe(406)
  })
})

describe('a connection', () => {
  it('outlives refusals, with and without a body that nobody read', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    try {
      const big = call('echo', { text: 'x'.repeat(200_000) })
      const attempts: Raw[] = [
        { headers: { ...modern('echo'), authorization: undefined }, body: big },
        { headers: { ...modern('echo'), 'content-type': 'text/plain' }, body: big },
        { method: 'PUT' },
        { headers: modern('echo'), body: call('echo', { text: 'x'.repeat(1024 * 1024) }) },
        { headers: modern('whoami'), body: call('echo', {}) },
        { headers: modern('echo'), body: '{' },
        { headers: modern('echo'), body: call('echo', { text: 'x' }) },
      ]
      const seen: [number, boolean][] = []
      for (const attempt of attempts) {
        const request = send({ ...attempt, agent })
        const [response] = (await once(request, 'response')) as [IncomingMessage]
        await textOf(response)
        seen.push([response.statusCode ?? 0, request.reusedSocket])
      }
      expect(seen.map(([status]) => status)).toEqual([401, 415, 405, 413, 400, 400, 200])
      expect(seen.slice(1).every(([, reused]) => reused)).toBe(true)
    } finally {
      agent.destroy()
    }
  })
})

describe('a stream', () => {
  it('carries what comes before the result in frames of its own, and ends with the result', async () => {
    verifies('SRV-KIT.6')
    const answer = await raw({ headers: modern('wait'), body: call('wait', { steps: 3 }, { progressToken: 'p' }) })
    expect(answer.status).toBe(200)
    expect(answer.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    const frames = framesOf(answer.body)
    expect(frames.slice(0, -1)).toEqual(
      [1, 2, 3].map((progress) => ({
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: { progressToken: 'p', progress, total: 3, message: `step ${progress}` },
      })),
    )
    expect(frames.at(-1)).toMatchObject({
      id: 7,
      result: { resultType: 'complete', structuredContent: { value: 'waited' } },
    })
  })

  it('that its client leaves cancels the call', async () => {
    verifies('SRV-KIT.6')
    const before = world.tools.ended.length
    const request = send({ headers: modern('wait'), body: call('wait', {}, { progressToken: 1 }) })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    await once(response, 'data')
    request.destroy()
    await until(() => world.tools.ended.length > before)
    expect(world.tools.ended.at(-1)).toBe('aborted')
  })

  it('of the legacy era likewise, since it could not be resumed', async () => {
    verifies('SRV-KIT.6')
    const headers = { 'content-type': 'application/json', accept: BOTH }
    const opened = await raw({
      headers,
      body: rpc('initialize', {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'raw', version: '1' },
      }),
    })
    const session = String(opened.headers['mcp-session-id'])
    const before = world.tools.ended.length
    const request = send({
      headers: { ...headers, 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' },
      body: rpc('tools/call', { name: 'wait', arguments: {}, _meta: { progressToken: 1 } }),
    })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    await once(response, 'data')
    request.destroy()
    await until(() => world.tools.ended.length > before)
    expect(world.tools.ended.at(-1)).toBe('aborted')
    await until(() => world.registry.audit.some((event) => event.tool === 'wait' && event.outcome === 'cancelled'))
  })
})

describe('a slow reader', () => {
  /** Answers one request by `handler` to a client that reads only what it is told to. */
  async function served(handler: (response: ServerResponse) => Promise<void>) {
    const server = createServer((_request, response) => void handler(response))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const request = httpRequest({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }).end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    return {
      response,
      stop: () => {
        server.close()
        server.closeAllConnections()
      },
    }
  }

  it('misses progress rather than filling the server’s memory, and gets the result whole', async () => {
    let most = 0
    const result = { jsonrpc: '2.0', id: 1, result: { text: 'y'.repeat(100_000) } }
    const { response, stop } = await served(async (answer) => {
      const stream = new AnswerStream(answer)
      for (let progress = 1; progress <= 50_000; progress++) {
        stream.notify('notifications/progress', { progress, message: 'x'.repeat(1_000) })
        most = Math.max(most, answer.writableLength)
        if (progress % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      stream.end(result, 200)
    })
    try {
      await until(() => most > 0)
      const frames = framesOf(await textOf(response))
      expect(frames.at(-1)).toEqual(result)
      expect(frames.length).toBeGreaterThan(1)
      expect(frames.length).toBeLessThan(50_000)
      expect(most).toBeLessThan(128 * 1024)
    } finally {
      stop()
    }
  })

  it('holds up what is streamed to it, and nothing is made that it has not asked for', async () => {
    let pulled = 0
    const parts = 2_000
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++
        controller.enqueue(new Uint8Array(16 * 1024))
        if (pulled === parts) controller.close()
      },
    })
    const { response, stop } = await served((answer) => sendResponse(answer, new Response(body)))
    try {
      let before = -1
      await until(async () => {
        const settled = pulled === before
        before = pulled
        await new Promise((resolve) => setTimeout(resolve, 100))
        return settled
      })
      expect(pulled).toBeLessThan(parts)
      let size = 0
      for await (const chunk of response) size += (chunk as Buffer).byteLength
      expect([pulled, size]).toEqual([parts, parts * 16 * 1024])
    } finally {
      stop()
    }
  })

  it('that goes away ends what is streamed to it', async () => {
    let cancelled = false
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(16 * 1024)),
      cancel() {
        cancelled = true
      },
    })
    const { response, stop } = await served((answer) => sendResponse(answer, new Response(body)))
    try {
      response.destroy()
      await until(() => cancelled)
    } finally {
      stop()
    }
  })
})

describe('what is out of the ordinary', () => {
  /** SEP-2243 lets a client encode the name; our own path leaves that to the SDK. */
  const encoded = (name: string) => `=?base64?${Buffer.from(name).toString('base64')}?=`

  it('gets from the SDK the answer that our own path gives', async () => {
    verifies('SRV-KIT.2')
    for (const [name, args] of [
      ['echo', { text: 'x' }],
      ['echo', { text: 7 }],
      ['fail', { how: 'tool_error' }],
      ['no_such_tool', {}],
      ['store', { line: 'x' }],
    ] as const) {
      const own = await raw({ headers: modern(name), body: call(name, args) })
      const theirs = await raw({ headers: { ...modern(name), 'mcp-name': encoded(name) }, body: call(name, args) })
      expect([name, theirs.status, JSON.parse(theirs.body)]).toEqual([name, own.status, JSON.parse(own.body)])
    }
  })

  it('is refused as the specification says', async () => {
    const { 'io.modelcontextprotocol/clientCapabilities': _, ...without } = meta
    const versioned = { ...meta, 'io.modelcontextprotocol/protocolVersion': '2027-01-01' }
    const cases: [string, Headers, string, number, number][] = [
      ['no capabilities', modern('echo'), rpc('tools/call', { name: 'echo', _meta: without }), 400, -32602],
      ['no envelope', modern('echo'), rpc('tools/call', { name: 'echo' }), 400, -32602],
      ['method unknown', modern('', 'tools/none'), rpc('tools/none', { _meta: meta }), 404, -32601],
      [
        'version unknown',
        { ...modern('echo'), 'mcp-protocol-version': '2027-01-01' },
        rpc('tools/call', { name: 'echo', _meta: versioned }),
        400,
        -32022,
      ],
      ['no version header', { ...modern('echo'), 'mcp-protocol-version': undefined }, call('echo', {}), 400, -32020],
      ['no method header', { ...modern('echo'), 'mcp-method': undefined }, call('echo', {}), 400, -32020],
      ['no name header', { ...modern('echo'), 'mcp-name': undefined }, call('echo', {}), 400, -32020],
      ['id that is null', modern('echo'), rpc('tools/call', { name: 'echo', _meta: meta }, null), 400, -32600],
    ]
    for (const [what, headers, body, status, code] of cases) {
      const answer = await raw({ headers, body })
      const { error } = JSON.parse(answer.body) as { error?: { code: number } }
      expect([what, answer.status, error?.code]).toEqual([what, status, code])
    }
  })

  it('that is a notification is taken and answered with nothing', async () => {
    const answer = await raw({
      headers: modern('', 'notifications/cancelled'),
      body: JSON.stringify({
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { requestId: 1, _meta: meta },
      }),
    })
    expect([answer.status, answer.body]).toEqual([202, ''])
  })
})

describe('what is remembered', () => {
  it('of a caller is forgotten when the record says otherwise', async () => {
    verifies('AUTH-8.2')
    const short = await startWorld({}, { life: 1 })
    try {
      const own = await short.issuer.token(short.url)
      const ask = async () => {
        const response = await fetch(short.url, {
          method: 'POST',
          headers: { ...(modern('echo') as Record<string, string>), authorization: `Bearer ${own}` },
          body: call('echo', { text: 'x' }),
        })
        return { status: response.status, body: await response.text() }
      }
      expect((await ask()).body).toContain('"structuredContent":{"value":"x"}')
      short.registry.answer({ kind: 'signed', record: short.record({ groups: ['finance'] }), life: 1 })
      await until(async () => (await ask()).body.includes('"code":"denied"'))
      short.registry.answer({ kind: 'signed', record: short.record(), life: 1 })
      await until(async () => (await ask()).body.includes('"value":"x"'))
      const others = short
        .record()
        .clients.filter((client) => !('clientId' in client) || client.clientId !== 'gatehouse-cli')
      short.registry.answer({ kind: 'signed', record: short.record({ clients: others }), life: 60 })
      await until(async () => (await ask()).status === 403)
    } finally {
      await short.stop()
    }
  })
})
