import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { boundedFetch } from '../../src/http/bounded-fetch.ts'
import { discover } from '../../src/session/discovery.ts'
import { verifies } from '../requirements.ts'
import { type HttpServer, sendJson, serve } from '../support/http-server.ts'

type Part = 'the registry' | 'the issuer'

let server: HttpServer
let hostile: { readonly part: Part; readonly answer: (response: ServerResponse) => void }
beforeEach(async () => {
  server = await serve(({ url }, response) => {
    const part: Part = url === '/.well-known/oauth-protected-resource' ? 'the registry' : 'the issuer'
    if (part === hostile.part) hostile.answer(response)
    else sendJson(response, { resource: server.url, authorization_servers: [`${server.url}/idp`] })
  })
})
afterEach(() => server.close())

const PARTS: readonly Part[] = ['the registry', 'the issuer']
const JSON_TYPE = { 'content-type': 'application/json' }

describe.each(PARTS)('a discovery document of %s', (part) => {
  test('of 50 MB is left after its first megabyte', async () => {
    verifies('AUTH-1.4')
    let sent = 0
    hostile = {
      part,
      answer(response) {
        response.writeHead(200, JSON_TYPE)
        const megabyte = Buffer.alloc(1024 * 1024, ' ')
        const more = (): void => {
          while (sent < 50 && !response.destroyed) {
            sent++
            if (!response.write(megabyte)) return void response.once('drain', more)
          }
          response.end()
        }
        more()
      },
    }
    await expect(discover(server.url, boundedFetch())).rejects.toHaveProperty('code')
    // What was under way in the sockets of both sides is sent for nothing.
    expect(sent).toBeLessThan(20)
  })

  test('that comes byte by byte is given up, however steadily it comes', async () => {
    verifies('AUTH-1.4')
    let drip: NodeJS.Timeout | undefined
    hostile = {
      part,
      answer(response) {
        response.writeHead(200, JSON_TYPE)
        drip = setInterval(() => response.write(' '), 20)
        response.once('close', () => clearInterval(drip))
      },
    }
    const code = part === 'the registry' ? 'registry_timeout' : 'issuer_unreachable'
    await expect(discover(server.url, boundedFetch({ timeLimit: 500 }))).rejects.toMatchObject({ code })
    clearInterval(drip)
  })

  test.each([301, 302, 303, 307, 308])('that redirects (%i) is not followed', async (status) => {
    verifies('AUTH-1.4')
    const inside = await serve((_request, response) => sendJson(response, { secret: 'of this machine' }))
    try {
      hostile = { part, answer: (response) => void response.writeHead(status, { location: inside.url }).end() }
      await expect(discover(server.url, boundedFetch())).rejects.toHaveProperty('code')
      expect(inside.requests).toEqual([])
    } finally {
      await inside.close()
    }
  })
})

/** Where a company's own provider may well be, and a cloud's secrets too; nobody answers here, so what would be sent is looked at. */
const INSIDE = ['https://169.254.169.254', 'https://10.0.0.1', 'https://192.168.0.1:8443/idp', 'https://[fd00::1]']

describe('a registry elsewhere that names an issuer within the company’s network', () => {
  test.each(INSIDE)(
    '%s: is asked by https for its metadata, with nothing of the person’s, and no further',
    async (issuer) => {
      verifies('AUTH-1.1')
      const asked: Request[] = []
      const fetch = boundedFetch({
        async fetch(input, init) {
          const request = new Request(input, init)
          asked.push(request)
          if (new URL(request.url).host === 'registry.example')
            return Response.json({ resource: 'https://registry.example', authorization_servers: [issuer] })
          return Response.json({ issuer: 'https://somebody.else', token: 'of the machine' })
        },
      })
      await expect(discover('https://registry.example', fetch)).rejects.toMatchObject({ code: 'discovery_failed' })
      expect(asked.length).toBeGreaterThan(1)
      for (const { url, method, headers, redirect } of asked) {
        const { protocol, pathname, search } = new URL(url)
        expect({ protocol, method, search, redirect }).toEqual({
          protocol: 'https:',
          method: 'GET',
          search: '',
          redirect: 'manual',
        })
        expect(pathname).toContain('/.well-known/')
        expect(['authorization', 'cookie', 'dpop'].filter((name) => headers.has(name))).toEqual([])
      }
    },
  )

  test.each([
    'http://169.254.169.254',
    'http://10.0.0.1',
    'http://127.0.0.1:2375',
    'http://localhost:8080',
    'file:///etc/passwd',
  ])('%s: is not asked at all', async (issuer) => {
    verifies('AUTH-1.1')
    const asked: string[] = []
    const fetch = boundedFetch({
      async fetch(input) {
        asked.push(new URL(input instanceof Request ? input.url : input).host)
        return Response.json({ resource: 'https://registry.example', authorization_servers: [issuer] })
      },
    })
    await expect(discover('https://registry.example', fetch)).rejects.toHaveProperty('code')
    expect(new Set(asked)).toEqual(new Set(['registry.example']))
  })
})
