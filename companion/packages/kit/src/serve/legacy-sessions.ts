import { randomUUID } from 'node:crypto'
import {
  isInitializeRequest,
  isJSONRPCRequest,
  type Server,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import { HttpProblem } from '../http/problem.ts'
import { type Arrival, authInfoOf, identityOf } from './arrival.ts'
import type { ListKind } from '../record/changes.ts'
import { RpcProblem, rpcProblem } from './rpc-problem.ts'
import type { Subscriptions } from './subscriptions.ts'

export interface LegacySessionsOptions {
  readonly createServer: (arrival: Arrival, subscriptions: Subscriptions) => Server
  readonly createSubscriptions: () => Subscriptions
  /** Sessions of all callers together. Default 2,000. */
  readonly limit?: number
  /** Sessions of one person's client; the oldest gives way. Default 20. */
  readonly limitPerCaller?: number
  /** Milliseconds without a request. Default half an hour. */
  readonly idle?: number
}

/** Sessions of the 2025-11-25 era, which the modern one has not: kept in memory, bounded, each bound to the caller that opened it. */
export interface LegacySessions {
  handle(request: Request, body: unknown, arrival: Arrival): Promise<Response>
  /** Tells every session that a list may have changed, over its stream for news. */
  listChanged(list: ListKind): void
  /** Tells the sessions that asked for it, and may still read it. */
  resourceChanged(uri: string): void
  /** Ends the streams that stand open for news; calls that run keep theirs. */
  closeStreams(): void
  close(): Promise<void>
}

interface Session {
  readonly owner: string
  readonly transport: WebStandardStreamableHTTPServerTransport
  readonly server: Server
  readonly subscriptions: Subscriptions
  /** The latest: a token that was renewed may say less. */
  arrival: Arrival
  usedAt: number
}

const SESSION_NOT_FOUND = -32_001

export function createLegacySessions(options: LegacySessionsOptions): LegacySessions {
  const { createServer, createSubscriptions, limit = 2_000, limitPerCaller = 20, idle = 30 * 60_000 } = options
  const sessions = new Map<string, Session>()
  const sweeper = setInterval(sweep, Math.min(idle, 60_000))
  sweeper.unref()

  function sweep(): void {
    const oldest = Date.now() - idle
    for (const [id, session] of sessions) if (session.usedAt < oldest) drop(id)
  }

  function drop(id: string): void {
    const session = sessions.get(id)
    sessions.delete(id)
    session?.server.close().catch(() => undefined)
  }

  /** Insertion order is age. */
  function makeRoom(owner: string): void {
    const own = [...sessions].filter(([, session]) => session.owner === owner)
    if (own.length >= limitPerCaller && own[0]) drop(own[0][0])
    if (sessions.size >= limit)
      throw new HttpProblem(503, 'too_many_sessions', 'too many sessions are open', { 'Retry-After': '30' })
  }

  async function open(request: Request, body: unknown, arrival: Arrival): Promise<Response> {
    const owner = ownerOf(arrival)
    makeRoom(owner)
    const subscriptions = createSubscriptions()
    const server = createServer(arrival, subscriptions)
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized(id) {
        sessions.set(id, { owner, transport, server, subscriptions, arrival, usedAt: Date.now() })
      },
    })
    transport.onclose = () => {
      if (transport.sessionId) sessions.delete(transport.sessionId)
    }
    await server.connect(transport)
    const response = await transport.handleRequest(request, { parsedBody: body, authInfo: authInfoOf(arrival) })
    // Not an `initialize` that could be served: nothing keeps this server.
    if (!transport.sessionId || !sessions.has(transport.sessionId)) await server.close()
    return response
  }

  return {
    async handle(request, body, arrival) {
      const id = request.headers.get('mcp-session-id')
      if (id === null) {
        if (isInitializeRequest(body)) return open(request, body, arrival)
        return rpcProblem(
          new RpcProblem(request.method === 'GET' ? 405 : 400, -32_000, 'session_missing', 'Mcp-Session-Id is needed'),
        )
      }
      const session = sessions.get(id)
      // Someone else's session is as good as none.
      if (!session || session.owner !== ownerOf(arrival)) {
        return rpcProblem(new RpcProblem(404, SESSION_NOT_FOUND, 'session_not_found', 'the session is not there'))
      }
      session.usedAt = Date.now()
      session.arrival = arrival
      cancelWhenGone(session.transport, request, body)
      return session.transport.handleRequest(request, { parsedBody: body, authInfo: authInfoOf(arrival) })
    },
    listChanged(list) {
      for (const { server } of sessions.values()) tell(() => sendListChanged(server, list))
    },
    resourceChanged(uri) {
      for (const { server, subscriptions, arrival } of sessions.values()) {
        tell(async () => {
          if (subscriptions.wants(uri, arrival)) await server.sendResourceUpdated({ uri })
        })
      }
    },
    closeStreams() {
      for (const { transport } of sessions.values()) transport.closeStandaloneSSEStream()
    },
    async close() {
      clearInterval(sweeper)
      const open = [...sessions.values()]
      sessions.clear()
      await Promise.allSettled(open.map(({ server }) => server.close()))
    },
  }
}

/**
 * Streams here cannot be resumed, so what a client that has gone away asked for can reach nobody: it is cancelled, as MCP 2025-11-25 leaves
 * to the server's judgement.
 */
function cancelWhenGone(transport: Session['transport'], request: Request, body: unknown): void {
  if (!isJSONRPCRequest(body)) return
  const params = { requestId: body.id, reason: 'the client went away' }
  const cancel = () => transport.onmessage?.({ jsonrpc: '2.0', method: 'notifications/cancelled', params })
  request.signal.addEventListener('abort', cancel, { once: true })
}

function ownerOf({ caller }: Arrival): string {
  return JSON.stringify(identityOf(caller))
}

/** A session that cannot be told lists again when it asks. */
function tell(send: () => Promise<void>): void {
  void send().catch(() => undefined)
}

function sendListChanged(server: Server, list: ListKind): Promise<void> {
  switch (list) {
    case 'tools':
      return server.sendToolListChanged()
    case 'prompts':
      return server.sendPromptListChanged()
    case 'resources':
      return server.sendResourceListChanged()
  }
}
