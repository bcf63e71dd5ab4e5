import type { Progress } from '../authoring/context.ts'
import { RecordError } from '../record/record-error.ts'
import {
  type CallToolResult,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { type Arrival, arrivalOf } from './arrival.ts'
import { type Serving, serveCall, UNKNOWN_TOOL } from './call.ts'
import { serveList } from './list.ts'
import type { Outcome } from './outcome.ts'

export type Era = 'modern' | 'legacy'

export interface Identity {
  readonly id: string
  readonly title: string
  readonly version: string
  readonly instructions?: string | undefined
}

/** `_meta` key of a failed result's data in the legacy era, whose SDK checks `structuredContent` of failures against the output schema too. */
export const FAILURE_META = 'dev.gatehouse/failure'
/** How long a client of the modern era may keep a list, milliseconds. */
const LIST_TTL = 30_000

/** An MCP server for one request (modern era) or one session (legacy era). It is cheap: the tables are made once, and only looked up here. */
export function createMcpServer(serving: Serving, identity: Identity, era: Era, arrival: Arrival): Server {
  const { id: name, title, version, instructions } = identity
  const server = new Server(
    { name, title, version },
    {
      capabilities: { tools: {} },
      ...(instructions !== undefined && mayUse(serving, arrival) && { instructions }),
      cacheHints: {
        'tools/list': { ttlMs: LIST_TTL, cacheScope: 'private' },
        'server/discover': { ttlMs: LIST_TTL, cacheScope: 'private' },
      },
    },
  )
  const protocolVersion = () => server.getNegotiatedProtocolVersion() ?? ''

  server.setRequestHandler('tools/list', async (_request, ctx) =>
    told(async () => ({
      tools: (await serveList(serving, arrivalOf(ctx.http?.authInfo), protocolVersion())) as never,
    })),
  )
  server.setRequestHandler('tools/call', async (request, ctx) =>
    told(async () => {
      const outcome = await serveCall(serving, {
        arrival: arrivalOf(ctx.http?.authInfo),
        name: request.params.name,
        arguments: request.params.arguments ?? {},
        meta: ctx.mcpReq._meta ?? {},
        protocolVersion: protocolVersion(),
        signal: ctx.mcpReq.signal,
        progress: progressOf(ctx),
      })
      // MCP 2026-07-28, server/tools, "error handling": an unknown tool is a protocol error.
      if (outcome.code === UNKNOWN_TOOL)
        throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'unknown tool', { code: UNKNOWN_TOOL })
      return resultOf(outcome, era)
    }),
  )
  return server
}

/** What a server says of itself to the model is for those who may use it. */
function mayUse({ policy, gate }: Serving, { caller }: Arrival): boolean {
  return policy.decide({ caller, action: 'list', resource: { kind: 'server' }, record: gate.current().record }).allowed
}

function resultOf(outcome: Outcome, era: Era): CallToolResult {
  const content = [{ type: 'text' as const, text: outcome.text }]
  if (!outcome.isError) return { content, structuredContent: outcome.structured }
  const data =
    era === 'modern' ? { structuredContent: outcome.structured } : { _meta: { [FAILURE_META]: outcome.structured } }
  return { content, isError: true, ...data }
}

function progressOf(ctx: ServerContext): ((progress: Progress) => void) | undefined {
  const progressToken = ctx.mcpReq._meta?.progressToken
  if (progressToken === undefined) return undefined
  return (progress) => {
    // A caller that is gone is told nothing; its signal says so to the tool.
    ctx.mcpReq
      .notify({ method: 'notifications/progress', params: { progressToken, ...progress } })
      .catch(() => undefined)
  }
}

/** What escapes becomes a JSON-RPC error without detail, unless it has a code of its own. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ProtocolError) throw error
    if (error instanceof RecordError)
      throw new ProtocolError(-32_000, error.message, { code: error.code, reason: error.reason })
    throw new ProtocolError(ProtocolErrorCode.InternalError, 'the server failed; its log says why', {
      code: 'internal_error',
    })
  }
}
