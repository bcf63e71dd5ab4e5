import { once } from 'node:events'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { configFromEnvironment } from '../../companion/samples/nightly/src/config.ts'
import { type Report, reportFreshness } from '../../companion/samples/nightly/src/nightly.ts'
import { verifies } from '../requirements.ts'
import { type TestSvid, TrustDomain } from '../support/svid.ts'
import { jwtBundlesResponse, WorkloadApi, x509Parts, x509Response } from '../support/workload-api.ts'

const TABLES = [
  { name: 'hive.tpch.orders', owner: 'Sales', last_updated: '2026-11-24T10:00:00Z', age_seconds: 3_600 },
  { name: 'hive.tpch.part', owner: null, last_updated: null, age_seconds: null },
]
const result = (structuredContent: unknown) => JSON.stringify({ jsonrpc: '2.0', id: 1, result: { structuredContent } })
const good = result({ tables: TABLES, checked_at: '2026-11-24T11:00:00Z' })

interface Seen {
  readonly peer: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

let domain: TrustDomain
let api: WorkloadApi
let seen: Seen[]
let answer: (response: ServerResponse, attempt: number) => void
let servers: Server[]

beforeAll(async () => {
  domain = await TrustDomain.create()
  api = await WorkloadApi.start()
  api.answer('FetchX509SVID', x509Response(x509Parts(await domain.svid('nightly'), domain)))
  api.answer('FetchJWTBundles', jwtBundlesResponse({ 'spiffe://gatehouse.local': JSON.stringify(domain.jwks) }))
})
afterAll(() => api.remove())
beforeEach(() => {
  seen = []
  servers = []
  answer = (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(good)
})
afterEach(() => {
  for (const server of servers) {
    server.close()
    server.closeAllConnections()
  }
})

describe('the nightly sample', () => {
  test('calls under its own SVID, without a token, and says of each table whether it is fresh', async () => {
    verifies('AUTH-10.5')
    expect(await run({ NIGHTLY_MAX_AGE_HOURS: '2' })).toEqual([
      {
        table: 'hive.tpch.orders',
        lastUpdated: '2026-11-24T10:00:00Z',
        ageSeconds: 3_600,
        maxAgeSeconds: 7_200,
        fresh: true,
      },
      { table: 'hive.tpch.part', lastUpdated: null, ageSeconds: null, maxAgeSeconds: 7_200, fresh: false },
    ])
    const [call] = seen
    expect(call?.peer).toContain(domain.id('nightly'))
    expect(call?.headers).toMatchObject({ 'mcp-method': 'tools/call', 'mcp-name': 'table_freshness' })
    expect(call?.headers.authorization).toBeUndefined()
    expect(JSON.parse(call?.body ?? '')).toMatchObject({ params: { name: 'table_freshness', arguments: {} } })
  })

  test('asks for the tables that it was told, and counts as stale what is older than it was told', async () => {
    verifies('AUTH-10.5')
    const reports = await run({ NIGHTLY_TABLES: 'tpch.orders, tpch.part', NIGHTLY_MAX_AGE_HOURS: '0.5' })
    expect(reports.map(({ fresh }) => fresh)).toEqual([false, false])
    expect(JSON.parse(seen[0]?.body ?? '')).toMatchObject({
      params: { arguments: { tables: ['tpch.orders', 'tpch.part'] } },
    })
  })

  test('reads an answer that comes as a stream', async () => {
    verifies('AUTH-10.5')
    answer = (response) =>
      void response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end(`event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\n\ndata: ${good}\n\n`)
    expect(await run()).toHaveLength(2)
  })

  test('asks again while the server is away, and not for ever', async () => {
    verifies('AUTH-10.5')
    answer = (response, attempt) =>
      attempt < 3 ? void response.writeHead(503).end() : void response.writeHead(200).end(good)
    expect(await run()).toHaveLength(2)
    expect(seen).toHaveLength(3)
    seen = []
    answer = (response) => void response.writeHead(429).end()
    await expect(run()).rejects.toMatchObject({ code: 'call_failed' })
    expect(seen).toHaveLength(4)
  })

  const refused = (message: string) => JSON.stringify({ error: { code: -32_000, message, data: { code: 'denied' } } })
  test.each<[string, number, string, RegExp]>([
    ['a refusal', 403, refused('needs a record'), /denied: needs a record/],
    ['a refusal without words', 401, '{}', /HTTP status 401/],
    ['a page of something else', 200, '<html>', /HTTP status 200/],
    [
      'a tool that failed',
      200,
      JSON.stringify({ result: { isError: true, content: [{ type: 'text', text: 'there is no table x' }] } }),
      /there is no table x/,
    ],
    ['another result', 200, result({ tables: 'all' }), /not what table_freshness returns/],
  ])('does not ask again after %s', async (_title, status, body, message) => {
    verifies('AUTH-10.5')
    answer = (response) => void response.writeHead(status).end(body)
    await expect(run()).rejects.toMatchObject({
      code: 'call_refused',
      message: expect.stringMatching(message) as string,
    })
    expect(seen).toHaveLength(1)
  })

  test('does not read an answer without end', async () => {
    verifies('AUTH-10.5')
    answer = (response) => {
      response.writeHead(200)
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(64 * 1024)));
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    }
    await expect(run()).rejects.toMatchObject({ code: 'call_refused' })
  })

  test('says nothing to a server that is not the one it was told, of its trust domain or another', async () => {
    verifies('AUTH-10.2')
    const foreign = await TrustDomain.create('other.example')
    const namesake = await TrustDomain.create()
    for (const [svid, code] of [
      [await domain.svid('runbooks'), 'call_refused'],
      [await domain.svid('presto', { uris: [domain.id('presto'), domain.id('other')] }), 'call_refused'],
      [await domain.svid('presto', { uris: [], dns: 'localhost' }), 'call_refused'],
      [await foreign.svid('presto'), 'call_failed'],
      [await namesake.svid('presto'), 'call_failed'],
    ] as const) {
      await expect(run({}, svid)).rejects.toMatchObject({ code })
    }
    expect(seen).toEqual([])
  }, 120_000)

  test.each([
    { NIGHTLY_URL: 'http://127.0.0.1:1/mcp' },
    { NIGHTLY_SERVER: 'presto' },
    { NIGHTLY_TABLES: ' , ' },
    { NIGHTLY_MAX_AGE_HOURS: '-1' },
    { SPIFFE_ENDPOINT_SOCKET: '' },
  ])('does not start with %j', (wrong) => {
    expect(() => configFromEnvironment({ ...environment('https://127.0.0.1:1/mcp'), ...wrong })).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    )
  })
})

function environment(url: string): Record<string, string> {
  return { SPIFFE_ENDPOINT_SOCKET: api.socket, NIGHTLY_URL: url, NIGHTLY_SERVER: domain.id('presto') }
}

async function run(more: Record<string, string> = {}, svid?: TestSvid): Promise<readonly Report[]> {
  const url = await serve(svid ?? (await domain.svid('presto', { intermediate: true })))
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }
  return reportFreshness(configFromEnvironment({ ...environment(url), ...more }), silent)
}

/** A server that shows `svid`, and notes who calls. */
async function serve({ certificates, key }: TestSvid): Promise<string> {
  const options = { cert: certificates, key, ca: domain.bundle, requestCert: true, rejectUnauthorized: true }
  const server = createServer(options, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const peer = (request.socket as TLSSocket).getPeerCertificate().subjectaltname ?? ''
      seen.push({ peer, headers: request.headers, body: Buffer.concat(chunks).toString() })
      answer(response, seen.length)
    })
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
}
