import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ServerRecord, type ToolSurface, toolDigest } from '@gatehouse/contracts'
import { createConnections } from '../../src/connections/connections.ts'
import type { Connections, Elicitation, ToolCall, ToolOutcome } from '../../src/connections/types.ts'
import { createPlans } from '../../src/plans/plans.ts'
import { type HttpServer, sendJson, serve } from '../support/http-server.ts'
import { sampleRecord } from '../support/sample-record.ts'
import { deviceKey, testCatalog, testSession } from './world.ts'

export interface Rpc {
  readonly id?: string | number
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>>
}
/** Answers one message in the test's own way, however wrong. */
export type Answer = (response: ServerResponse, message: Rpc, request: IncomingMessage) => void

/** A server that speaks just enough of the 2026-07-28 era by hand to be let in, and then does as the test says. */
interface Hostile {
  readonly http: HttpServer
  readonly url: string
  /** Methods asked for, in order. */
  readonly asked: string[]
  /** By method; what is not here is answered well. */
  answers: Record<string, Answer>
  /** What `tools/list` answers with. */
  tools: readonly unknown[]
  capabilities: Record<string, unknown>
}

export interface HostileWorld {
  readonly server: Hostile
  readonly connections: Connections
  readonly record: ServerRecord
  readonly elicited: Elicitation[]
  readonly logged: string[]
  call(tool?: string, extra?: Partial<ToolCall>): Promise<ToolOutcome>
  stop(): Promise<void>
}

export const ECHO: ToolSurface = {
  name: 'echo',
  title: 'Echo',
  description: 'Says it again.',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
}

export function result(response: ServerResponse, { id }: Rpc, value: Readonly<Record<string, unknown>>): void {
  sendJson(response, {
    jsonrpc: '2.0',
    id,
    result: { resultType: 'complete', ttlMs: 0, cacheScope: 'private', ...value },
  })
}

/** A result of `tools/call`. */
export function answers(value: Readonly<Record<string, unknown>>): Answer {
  return (response, message) => result(response, message, { content: [], ...value })
}

export function events(response: ServerResponse): ServerResponse {
  return response.writeHead(200, { 'content-type': 'text/event-stream' })
}

export function event(message: unknown): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`
}

async function startHostile(tools: readonly unknown[]): Promise<Hostile> {
  const hostile = { asked: [] as string[], answers: {} as Record<string, Answer>, tools, capabilities: { tools: {} } }
  const usual: Record<string, Answer> = {
    'server/discover': (response, message) =>
      result(response, message, {
        supportedVersions: ['2026-07-28'],
        capabilities: hostile.capabilities,
        serverInfo: { name: 'hostile', version: '1' },
      }),
    'tools/list': (response, message) => result(response, message, { tools: hostile.tools }),
    'tools/call': answers({ content: [{ type: 'text', text: 'well' }] }),
  }
  const http = await serve((request, response) => void respond(request, response))
  return Object.assign(hostile, { http, url: `${http.url}/mcp` })

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') return void response.writeHead(405).end()
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const message = JSON.parse(Buffer.concat(chunks).toString()) as Rpc
    hostile.asked.push(message.method)
    const answer = hostile.answers[message.method] ?? usual[message.method]
    if (answer) answer(response, message, request)
    else response.writeHead(202).end()
  }
}

/** The embedded client, signed in, with a record of `reviewed` for a server that lists `listed`. */
export async function hostileWorld(
  reviewed: readonly ToolSurface[] = [ECHO],
  listed: readonly unknown[] = reviewed,
  wrap: (send: typeof fetch, url: string) => typeof fetch = (send) => send,
): Promise<HostileWorld> {
  const server = await startHostile(listed)
  const record = sampleRecord('hostile', {
    title: 'Hostile',
    url: server.url,
    clients: [],
    tools: reviewed.map((tool) => ({
      name: tool.name,
      digest: toolDigest(tool),
      effect: 'read',
      groups: [],
      minutesSaved: 0,
    })),
  })
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-hostile-'))
  const plans = createPlans({ folder, sealKey: crypto.getRandomValues(new Uint8Array(32)), log: () => undefined })
  const elicited: Elicitation[] = []
  const logged: string[] = []
  const connections = createConnections({
    catalog: testCatalog(record),
    session: { ...testSession(await deviceKey()), fetchFor: () => wrap(fetch, server.url) },
    plans,
    clientInfo: { name: 'gatehouse-vscode', version: '0' },
    elicit: (elicitation) => {
      elicited.push(elicitation)
      return Promise.resolve({ action: 'decline' })
    },
    log: ({ code }) => void logged.push(code),
    limits: { connect: 15_000, silence: 15_000, call: 20_000, grace: 300 },
  })
  return {
    server,
    connections,
    record,
    elicited,
    logged,
    call: (tool = 'echo', extra = {}) =>
      connections.call({
        server: 'hostile',
        tool,
        arguments: { text: 'a' },
        origin: { door: 'chat' },
        signal: new AbortController().signal,
        ...extra,
      }),
    async stop() {
      await connections.dispose()
      plans.dispose()
      await server.http.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
