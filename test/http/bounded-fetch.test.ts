import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { isLoopback, isSecure } from '../../src/http/address.ts'
import { boundedFetch } from '../../src/http/bounded-fetch.ts'
import { verifies } from '../requirements.ts'
import { type HttpServer, serve } from '../support/http-server.ts'

let server: HttpServer | undefined
afterEach(() => server?.close())

describe('boundedFetch', () => {
  test('gives a small answer whole', async () => {
    server = await serve((_request, response) => response.writeHead(201, { 'x-a': 'b' }).end('hello'))
    const response = await boundedFetch()(server.url)
    expect([response.status, response.headers.get('x-a'), await response.text()]).toEqual([201, 'b', 'hello'])
  })

  test('gives an answer without a body', async () => {
    server = await serve((_request, response) => response.writeHead(304, { etag: '"1"' }).end())
    const response = await boundedFetch()(server.url)
    expect([response.status, await response.text()]).toEqual([304, ''])
  })

  test.each([
    ['before the headers', () => {}],
    [
      'in the middle of the body',
      (response: import('node:http').ServerResponse) => void response.writeHead(200).write('{'),
    ],
  ])('does not wait for a host that hangs %s', async (_name, answer) => {
    verifies('AUTH-1.4')
    server = await serve((_request, response) => answer(response))
    await expect(boundedFetch({ timeLimit: 200 })(server.url)).rejects.toMatchObject({ code: 'http_timeout' })
  })

  test('does not read more than the limit, compressed or not', async () => {
    const flood = Buffer.alloc(300_000)
    server = await serve((request, response) => {
      if (request.url === '/gzip') response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(flood))
      else response.end(flood)
    })
    const fetch = boundedFetch({ sizeLimit: 100_000 })
    await expect(fetch(server.url)).rejects.toMatchObject({ code: 'http_too_large' })
    await expect(fetch(`${server.url}/gzip`)).rejects.toMatchObject({ code: 'http_too_large' })
  })

  test('follows no redirect', async () => {
    server = await serve((_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end())
    await expect(boundedFetch()(server.url)).rejects.toMatchObject({ code: 'http_redirect' })
    expect(server.requests).toHaveLength(1)
  })

  test('tells a refused connection, naming the host and never the path', async () => {
    const error = await boundedFetch()('http://127.0.0.1:1/a?code=secret').catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'http_unreachable', host: '127.0.0.1:1' })
    expect((error as Error).message).not.toContain('secret')
  })

  test('sends nothing in the clear to another machine', async () => {
    await expect(boundedFetch()('http://registry.example/')).rejects.toMatchObject({ code: 'http_insecure' })
  })

  test('gives back the caller’s own reason when the caller aborts', async () => {
    server = await serve(() => {})
    const controller = new AbortController()
    const pending = boundedFetch()(server.url, { signal: controller.signal })
    const reason = new Error('mine')
    setTimeout(() => controller.abort(reason), 50)
    await expect(pending).rejects.toBe(reason)
  })
})

test.each([
  ['http://127.0.0.1:1', true],
  ['http://127.9.9.9', true],
  ['http://localhost', true],
  ['http://[::1]:9', true],
  ['https://registry.example', true],
  ['http://registry.example', false],
  ['http://127.0.0.1.attacker.example', false],
  ['http://localhost.attacker.example', false],
  ['ftp://127.0.0.1', false],
  ['http://0.0.0.0', false],
])('%s: secure %s', (url, secure) => {
  expect(isSecure(new URL(url))).toBe(secure)
  if (url.startsWith('http:')) expect(isLoopback(new URL(url).hostname)).toBe(secure)
})
