import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerRecord } from '@gatehouse/contracts'
import type { Upstream } from '../../companion/packages/cli/src/edge/edge-options.ts'
import { startEdge, type TestEdge, type TestEdgeOptions } from './envoy.ts'
import { type Claims, startTestIssuer, type TestIssuer } from './issuer.ts'
import { sampleRecord } from './sample-record.ts'
import { until } from './fixture-world.ts'
import { freePort } from '../../scripts/free-port.ts'

/** A real edge before a server that says what reached it. */
export interface EdgeWorld {
  readonly edge: TestEdge
  readonly issuer: TestIssuer
  /** URL of the MCP endpoint of the one server. */
  readonly url: string
  /** Requests that reached the server. */
  readonly reached: IncomingMessage[]
  readonly record: ServerRecord
  /** A bearer token of the command line's client. */
  token(claims?: Claims): Promise<string>
  /** Renders the edge anew, with a changed record. */
  render(change: Partial<ServerRecord>): Promise<void>
  /** Asks another edge, which has never reached the issuer. */
  askWithoutKeys(): Promise<Response>
  stopIssuer(): Promise<void>
  stopServer(): Promise<void>
  stop(): Promise<void>
}

/** What of a request reached the server, as it answers. */
export interface Reached {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

export const echo: RequestListener = (request, response) => {
  const { method, url, headers } = request
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ method, url, headers }))
}

/** @param elsewhere the server, when it is not the one that answers here */
export async function startEdgeWorld(
  change: Partial<ServerRecord> = {},
  settings: Partial<TestEdgeOptions> = {},
  answer: RequestListener = echo,
  elsewhere?: Upstream,
): Promise<EdgeWorld> {
  const [issuer, folder, port] = await Promise.all([
    startTestIssuer(),
    mkdtemp(join(tmpdir(), 'gatehouse-edge-server-')),
    freePort(),
  ])
  const socket = join(folder, 'server.sock')
  const reached: IncomingMessage[] = []
  const server = createServer((request, response) => {
    reached.push(request)
    answer(request, response)
  }).listen(socket)
  await once(server, 'listening')
  const url = `http://127.0.0.1:${port}/presto/mcp`
  const record = sampleRecord('presto', { ...RECORD, url, ...change })
  const before = (changed: ServerRecord) => ({
    issuer: issuer.url,
    servers: [{ record: changed, upstream: elsewhere ?? ({ kind: 'unix', path: socket } as const) }],
    ...settings,
  })
  const edge = await startEdge({ port, ...before(record) })
  let issuerRuns = true
  async function stopIssuer(): Promise<void> {
    if (issuerRuns) await issuer.stop()
    issuerRuns = false
  }
  async function stopServer(): Promise<void> {
    server.close()
    server.closeAllConnections()
  }
  const token = (claims?: Claims) => issuer.token(url, claims)
  // The listener opens before the issuer's keys are there.
  const probe = await token({ groups: record.groups })
  await until(async () => await hasKeys(url, probe))
  return {
    edge,
    issuer,
    url,
    reached,
    record,
    token,
    render: (changed) => edge.render(before({ ...record, ...changed })),
    async askWithoutKeys() {
      const other = await freePort()
      const elsewhere = { ...record, url: `http://127.0.0.1:${other}/presto/mcp` }
      const lonely = await startEdge({ port: other, ...before(elsewhere) })
      try {
        const authorization = `Bearer ${await issuer.token(elsewhere.url)}`
        return await fetch(elsewhere.url, { headers: { authorization } })
      } finally {
        await lonely.stop()
      }
    },
    stopIssuer,
    stopServer,
    async stop() {
      await edge.stop()
      await stopServer()
      await stopIssuer()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const NO_DIGEST = `sha256:${'0'.repeat(64)}` as const
const RECORD: Partial<ServerRecord> = {
  environment: 'dev',
  surfaces: ['ide', 'cli'],
  groups: ['ads', 'finance'],
  clients: [
    { clientId: 'gatehouse-vscode', surface: 'ide', bearer: false },
    { clientId: 'gatehouse-cli', surface: 'cli', bearer: true },
    { clientId: 'other-web', surface: 'web', bearer: true },
  ],
  tools: [
    { name: 'search', digest: NO_DIGEST, effect: 'read', groups: [], minutesSaved: 1 },
    { name: 'ledger', digest: NO_DIGEST, effect: 'read', groups: ['finance'], minutesSaved: 1 },
  ],
}

async function hasKeys(url: string, token: string): Promise<boolean> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  await response.body?.cancel()
  return response.headers.get('x-gatehouse-refusal') !== 'issuer_unreachable'
}
