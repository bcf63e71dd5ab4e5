import { APPROVAL_META } from '@gatehouse/contracts'
import {
  CLIENT_CAPABILITIES_META_KEY,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type ServerCapabilities,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { type Arrival, arrivalOf } from './arrival.ts'
import type { Serving } from './call.ts'
import { type Era, methodNames, type MethodRequest, serveMethod } from './methods.ts'
import { UNKNOWN } from './read.ts'
import type { Subscriptions } from './subscriptions.ts'

export interface Identity {
  readonly id: string
  readonly title: string
  readonly version: string
  readonly instructions?: string | undefined
}

/** How long a client of the modern era may keep a list, milliseconds. */
const LIST_TTL = 30_000
/** Lists and what a server says of itself differ by caller. What a resource holds may change at any time. */
export const CACHE_HINTS = {
  'tools/list': { ttlMs: LIST_TTL, cacheScope: 'private' },
  'prompts/list': { ttlMs: LIST_TTL, cacheScope: 'private' },
  'resources/list': { ttlMs: LIST_TTL, cacheScope: 'private' },
  'resources/templates/list': { ttlMs: LIST_TTL, cacheScope: 'private' },
  'resources/read': { ttlMs: 0, cacheScope: 'private' },
  'server/discover': { ttlMs: LIST_TTL, cacheScope: 'private' },
} as const

/**
 * The SDK's server for one session of the legacy era, and for what of the modern era is out of the ordinary. It is cheap: the tables are made
 * once, and only looked up here.
 */
export function createMcpServer(
  serving: Serving,
  identity: Identity,
  era: Era,
  arrival: Arrival,
  subscriptions?: Subscriptions,
): Server {
  const { id: name, title, version, instructions } = identity
  const server = new Server(
    { name, title, version },
    {
      capabilities: capabilitiesOf(serving, subscriptions),
      ...(instructions !== undefined && mayUse(serving, arrival) && { instructions }),
      cacheHints: CACHE_HINTS,
    },
  )
  for (const method of methodNames(serving)) {
    server.setRequestHandler(
      method,
      (request, ctx) =>
        serveMethod(serving, method, {
          ...requestOf(server, ctx),
          era,
          protocolVersion: server.getNegotiatedProtocolVersion() ?? '',
          params: request.params ?? {},
        }) as never,
    )
  }
  if (subscriptions && serving.table.resources.size > 0) serveSubscriptions(server, subscriptions)
  return server
}

/** What is not there and what may not be read look alike. */
function serveSubscriptions(server: Server, subscriptions: Subscriptions): void {
  server.setRequestHandler('resources/subscribe', async ({ params: { uri } }, ctx) => {
    if (await subscriptions.add(uri, arrivalOf(ctx.http?.authInfo))) return {}
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'unknown resource', { uri, code: UNKNOWN.resource })
  })
  server.setRequestHandler('resources/unsubscribe', async ({ params: { uri } }) => {
    subscriptions.remove(uri)
    return {}
  })
}

/** What a server says of itself to the model is for those who may use it. */
function mayUse({ policy, gate }: Serving, { caller }: Arrival): boolean {
  return policy.decide({ caller, action: 'list', resource: { kind: 'server' }, record: gate.current().record }).allowed
}

/** What the server has decides. That a caller may use none of it does not: it would tell them what there is. */
function capabilitiesOf({ table }: Serving, subscriptions: Subscriptions | undefined): ServerCapabilities {
  const [prompts, resources] = [table.prompts.size > 0, table.resources.size > 0]
  return {
    logging: {},
    tools: { listChanged: true },
    // A client asks for no change before it has seen this: a server that checks no approvals would make it at once.
    extensions: { [APPROVAL_META]: {} },
    ...(prompts && { prompts: { listChanged: true } }),
    // To a subscription of the modern era the SDK puts no question of access, so there is none.
    ...(resources && { resources: { listChanged: true, ...(subscriptions && { subscribe: true }) } }),
    ...((prompts || resources) && { completions: {} }),
  }
}

function requestOf(server: Server, ctx: ServerContext): Omit<MethodRequest, 'era' | 'protocolVersion' | 'params'> {
  const { mcpReq } = ctx
  return {
    arrival: arrivalOf(ctx.http?.authInfo),
    meta: mcpReq._meta ?? {},
    exchange: {
      responses: mcpReq.inputResponses,
      state: mcpReq.requestState(),
      capabilities:
        (mcpReq.envelope as Record<string, unknown> | undefined)?.[CLIENT_CAPABILITIES_META_KEY] ??
        server.getClientCapabilities(),
    },
    signal: mcpReq.signal,
    // A caller that is gone is told nothing; its signal says so to the tool.
    notify(method, params) {
      mcpReq.notify({ method, params }).catch(() => undefined)
    },
    log(level, message) {
      mcpReq.log(level, message).catch(() => undefined)
    },
  }
}
