import { request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { HttpLimits } from '../../companion/packages/kit/src/http/limits.ts'
import { type Listening, listen } from '../../companion/packages/kit/src/http/listen.ts'
import { configFromEnvironment } from '../../companion/packages/kit/src/serve/config.ts'
import { verifies } from '../requirements.ts'
import { startWorld, until, type World } from '../support/fixture-world.ts'
import { rawCall } from '../support/mcp-request.ts'
import { rawHttp } from '../support/raw-http.ts'

const POST = (headers: string) => `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}\r\n`

describe('a listener', () => {
  let listening: Listening
  afterEach(() => listening.stop())

  async function start(limits: Partial<HttpLimits>, handler: RequestListener = echoSize): Promise<string> {
    listening = await listen(handler, { host: '127.0.0.1', port: 0, drain: 100, limits, always: ['/healthz'] })
    return listening.url
  }

  it('answers 431 to headers that are too large, also to one that goes on sending them', async () => {
    verifies('SRV-KIT.11')
    const url = await start({})
    const answer = await rawHttp(url, (socket) => {
      socket.write(POST('').slice(0, -2))
      for (let n = 0; n < 2_000; n++) socket.write(`x-${n}: ${'y'.repeat(1_000)}\r\n`)
      socket.write('\r\n')
    })
    expect([answer.status, answer.code, answer.ended]).toEqual([431, 'headers_too_large', 'closed'])
  })

  it('answers 408 to headers and bodies that trickle in', async () => {
    verifies('SRV-KIT.11')
    const url = await start({ headersTime: 300, requestTime: 600 })
    const trickle = (socket: Socket, text: string) => {
      socket.write(text)
      const timer = setInterval(() => socket.write('a'), 20)
      socket.once('end', () => clearInterval(timer))
      socket.once('close', () => clearInterval(timer))
    }
    const [headers, body] = await Promise.all([
      rawHttp(url, (socket) => trickle(socket, POST('x-slow: ').slice(0, -2))),
      rawHttp(url, (socket) => trickle(socket, POST('Content-Length: 100000\r\n'))),
    ])
    for (const answer of [headers, body]) {
      expect([answer.status, answer.code, answer.ended]).toEqual([408, 'request_too_slow', 'closed'])
    }
  })

  it.each([
    ['no HTTP at all', 'hello\r\n\r\n'],
    ['two lengths', POST('Content-Length: 1\r\nContent-Length: 2\r\n')],
    ['a length and chunks', POST('Content-Length: 1\r\nTransfer-Encoding: chunked\r\n')],
    ['a length that is none', POST('Content-Length: -1\r\n')],
    ['a header with a NUL', POST('x: a\0b\r\n')],
    ['a header folded over two lines', POST('x: a\r\n b\r\n')],
    ['a chunk size that is none', `${POST('Transfer-Encoding: chunked\r\n')}zz\r\n`],
  ])('answers 400 to %s', async (_what, text) => {
    verifies('SRV-KIT.11')
    const answer = await rawHttp(await start({}), (socket) => void socket.write(text))
    expect([answer.status, answer.code, answer.ended]).toEqual([400, 'http_malformed', 'closed'])
  })

  it('does not write an answer into the middle of another', async () => {
    const url = await start({}, (request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      response.write('data: 1\n\n')
      request.resume()
    })
    const answer = await rawHttp(url, (socket) => {
      socket.write(POST('Transfer-Encoding: chunked\r\n'))
      socket.once('data', () => socket.write('zz\r\n'))
    })
    expect(answer.text).not.toContain('400')
  })

  it('answers one request of a connection at a time, and none that were sent ahead of its answer', async () => {
    verifies('SRV-KIT.11')
    let served = 0
    const url = await start({ requests: 2 }, (_request, response) => {
      served++
      setTimeout(() => response.end('done'), 20)
    })
    const answer = await rawHttp(url, (socket) => void socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1_000)))
    expect([answer.status, answer.text.match(/HTTP\/1\.1/g)?.length, served]).toEqual([200, 1, 1])
    expect(answer.ended).not.toBe('open')
    expect(listening.requests()).toBe(0)
  })

  it('closes a client that leaves its answer unread', async () => {
    verifies('SRV-KIT.11')
    let closed = 0
    const url = await start({ unreadTime: 300 }, (_request, response) => {
      response.once('close', () => closed++)
      // As much as the client takes, and no more.
      const write = (): void => {
        while (response.write(Buffer.alloc(64 * 1024)));
        response.once('drain', write)
      }
      response.writeHead(200)
      write()
    })
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.pause()
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await until(() => closed === 1)
    socket.destroy()
  })

  it('closes it at once when more waits for it than is allowed, and leaves a slow but steady reader alone', async () => {
    let closed = 0
    const url = await start({ unread: 1024 * 1024, unreadTime: 60_000 }, (request, response) => {
      response.once('close', () => closed++)
      response.writeHead(200)
      if (request.url === '/flood') for (let n = 0; n < 32; n++) response.write(Buffer.alloc(1024 * 1024))
      else response.end(Buffer.alloc(512 * 1024))
    })
    const flooded = connect(Number(new URL(url).port), '127.0.0.1')
    flooded.on('error', () => undefined)
    flooded.pause()
    flooded.write('GET /flood HTTP/1.1\r\nHost: x\r\n\r\n')
    await until(() => closed === 1)
    flooded.destroy()
    expect((await (await fetch(url)).arrayBuffer()).byteLength).toBe(512 * 1024)
  })

  it('answers 503 beyond its open requests, and is alive all the same', async () => {
    verifies('SRV-KIT.11')
    const url = await start({ requests: 5 }, (request, response) => {
      if (request.url === '/healthz') response.end('alive')
      else response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(': open\n\n')
    })
    const streams = await Promise.all([1, 2, 3, 4, 5].map(() => fetch(url)))
    const refused = await fetch(url)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2'])
    expect(await refused.json()).toMatchObject({ code: 'too_many_requests' })
    expect(await (await fetch(`${url}/healthz`)).text()).toBe('alive')
    await streams[0]?.body?.cancel()
    await until(async () => {
      const again = await fetch(url)
      streams.push(again)
      return again.status === 200
    })
    for (const stream of streams) await stream.body?.cancel()
  })

  it.each([
    ['in all', { connections: 3 }],
    ['from one address', { connectionsPerAddress: 3 }],
  ])('answers 503 beyond its connections %s, and beyond more not at all', async (_what, limits) => {
    verifies('SRV-KIT.11')
    const url = await start(limits)
    const idle = await Promise.all([1, 2, 3].map(() => open(url)))
    const answer = await rawHttp(url, (socket) => void socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
    expect([answer.status, answer.code]).toEqual([503, 'too_many_connections'])
    expect(answer.text).toMatch(/retry-after: 2/i)
    const more = await Promise.all(Array.from({ length: 64 }, () => open(url)))
    expect((await rawHttp(url, (socket) => void socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))).status).toBe(0)
    for (const socket of [...idle, ...more]) socket.destroy()
    await until(async () => {
      const { status } = await rawHttp(
        url,
        (socket) => void socket.write(`GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
      )
      return status === 200
    })
  })
})

function echoSize(request: IncomingMessage, response: Parameters<RequestListener>[1]): void {
  let size = 0
  request.on('data', (chunk: Buffer) => (size += chunk.length))
  request.on('end', () => response.end(String(size)))
}

function open(url: string): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => resolve(socket))
    socket.on('error', () => undefined)
  })
}

describe('the configuration', () => {
  const needed = {
    GATEHOUSE_DATA: '/data',
    GATEHOUSE_ISSUER: 'https://id.example.com',
    GATEHOUSE_REGISTRY: 'https://registry.example.com',
    GATEHOUSE_INTAKE_TOKEN: 'x',
  }

  it('takes limits from the environment', () => {
    expect(
      configFromEnvironment({ ...needed, GATEHOUSE_LIMITS: '{"calls":500,"body":2097152}', GATEHOUSE_DRAIN_MS: '500' }),
    ).toMatchObject({ limits: { calls: 500, body: 2_097_152 }, drain: 500 })
    expect(configFromEnvironment(needed)).toMatchObject({ limits: {}, drain: 10_000 })
  })

  it.each(['{', '7', '{"call":1}', '{"calls":0}', '{"calls":"many"}', '{"calls":1.5}'])('refuses %s', (limits) => {
    expect(() => configFromEnvironment({ ...needed, GATEHOUSE_LIMITS: limits })).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringContaining('GATEHOUSE_LIMITS') as string,
      }),
    )
  })
})

describe('a server', () => {
  const OPEN_STREAMS = 200
  let world: World
  beforeAll(async () => {
    // Its own probes and calls come on top of the streams.
    world = await startWorld({
      limits: { requests: OPEN_STREAMS + 20, callsPerCaller: 4, openPerCaller: 30, unreadTime: 500 },
    })
  })
  afterAll(() => world.stop())

  const token = (sub: string) => world.issuer.token(world.url, { sub })
  const headersOf = async (sub: string) => ({
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    authorization: `Bearer ${await token(sub)}`,
  })

  const metric = async (name: string) =>
    Number(
      new RegExp(`^gatehouse_${name}\\{.*\\} (\\d+)`, 'm').exec(
        await (await fetch(`${world.server.url}/metrics`)).text(),
      )?.[1],
    )

  /** A session of the legacy era with its stream open. */
  async function openStream(sub: string): Promise<{ response: Response; readonly close: () => void }> {
    const headers = await headersOf(sub)
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } }
    const opened = await fetch(world.url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
    })
    if (!opened.ok) return { response: opened, close: () => undefined }
    await opened.text()
    const gone = new AbortController()
    const response = await fetch(world.url, {
      headers: {
        ...headers,
        accept: 'text/event-stream',
        'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
      },
      signal: gone.signal,
    })
    return { response, close: () => gone.abort() }
  }

  it('answers 413 to a body that is too large, also to one that goes on sending it', async () => {
    verifies('SRV-KIT.11')
    const authorization = `Authorization: Bearer ${await token('ada')}\r\nContent-Type: application/json\r\n`
    const { host } = new URL(world.url)
    const post = `POST /mcp HTTP/1.1\r\nHost: ${host}\r\n${authorization}`
    const megabyte = Buffer.alloc(1024 * 1024, 0x20)
    const [declared, chunked] = await Promise.all([
      rawHttp(world.url, (socket) => {
        socket.write(`${post}Connection: close\r\nContent-Length: ${8 * megabyte.length}\r\n\r\n`)
        for (let n = 0; n < 8; n++) socket.write(megabyte)
      }),
      rawHttp(world.url, (socket) => {
        socket.write(`${post}Transfer-Encoding: chunked\r\n\r\n`)
        for (let n = 0; n < 4; n++) {
          socket.write('100000\r\n')
          socket.write(megabyte)
          socket.write('\r\n')
        }
        socket.write('0\r\n\r\n')
        socket.once('data', () => socket.end())
      }),
    ])
    expect([declared.status, declared.code]).toEqual([413, 'body_too_large'])
    expect([chunked.status, chunked.code]).toEqual([413, 'body_too_large'])
  })

  it(`serves ${OPEN_STREAMS} open streams at once, and refuses more of them with a hint`, {
    timeout: 120_000,
  }, async () => {
    verifies('SRV-KIT.11')
    const streams = await Promise.all(Array.from({ length: OPEN_STREAMS }, (_, n) => openStream(`person${n % 20}`)))
    expect(streams.map(({ response }) => response.status)).toEqual(Array.from({ length: OPEN_STREAMS }, () => 200))
    const answer = await rawCall({ url: world.url, token: await token('ada'), tool: 'echo', arguments: { text: 'x' } })
    expect(answer.structured).toEqual({ value: 'x' })

    const more = await Promise.all(Array.from({ length: 40 }, (_, n) => openStream(`person${n % 20}`)))
    const refused = more.filter(({ response }) => response.status !== 200)
    expect(refused.length).toBeGreaterThanOrEqual(20)
    expect(new Set(refused.map(({ response }) => response.status))).toEqual(new Set([503]))
    expect(refused[0]?.response.headers.get('retry-after')).toBe('2')
    expect(await refused[0]?.response.json()).toMatchObject({ code: 'too_many_requests' })
    for (const { close } of [...streams, ...more]) close()
    await until(async () => (await metric('http_requests')) < 5)
  })

  it('bounds the open requests of one caller', async () => {
    verifies('SRV-KIT.10')
    const headers = await headersOf('bob')
    // A body that does not arrive: the request is open, and holds nobody up but its caller.
    const pending = Array.from({ length: 31 }, () => httpRequest(world.url, { method: 'POST', headers }))
    const answers: { status: number; retry: string | undefined; body: string }[] = []
    for (const request of pending) {
      request.on('error', () => undefined)
      request.on('response', (response) => {
        let body = ''
        response.on('data', (chunk: Buffer) => (body += chunk.toString()))
        response.on('end', () =>
          answers.push({ status: response.statusCode ?? 0, retry: response.headers['retry-after'], body }),
        )
      })
      request.flushHeaders()
    }
    await until(() => answers.length > 0)
    expect(answers).toHaveLength(1)
    expect(answers[0]).toMatchObject({ status: 429, retry: '2' })
    expect(answers[0]?.body).toContain('too_many_requests')
    const other = await rawCall({ url: world.url, token: await token('ada'), tool: 'echo', arguments: { text: 'x' } })
    expect(other.status).toBe(200)
    for (const request of pending) request.destroy()
  })

  it('gives back what a caller holds who does not read its answers', async () => {
    verifies('SRV-KIT.11')
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name: 'echo',
        arguments: { text: 'x'.repeat(100), times: 1_200 },
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    })
    const headers = {
      host: new URL(world.url).host,
      ...(await headersOf('carol')),
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'echo',
      'content-length': String(Buffer.byteLength(body)),
    }
    const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const request = `POST /mcp HTTP/1.1\r\n${head.join('')}\r\n${body}`
    const sockets = await Promise.all(Array.from({ length: 8 }, () => open(world.url)))
    for (const socket of sockets) {
      socket.pause()
      // Pipelined as well: these do not count.
      for (let n = 0; n < 60; n++) socket.write(request)
    }
    await until(async () => (await metric('http_requests')) === 1 && (await metric('calls_running')) === 0)
    const again = await rawCall({ url: world.url, token: await token('carol'), tool: 'echo', arguments: { text: 'x' } })
    expect(again.structured).toEqual({ value: 'x' })
    for (const socket of sockets) socket.destroy()
  })
})
