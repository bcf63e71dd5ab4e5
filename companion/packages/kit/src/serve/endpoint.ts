import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { GatehouseError } from '@gatehouse/contracts'
import {
  CLIENT_CAPABILITIES_META_KEY,
  isLegacyRequest,
  LOG_LEVEL_META_KEY,
  type McpHttpHandler,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  SERVER_INFO_META_KEY,
} from '@modelcontextprotocol/server'
import { readIncomingJson } from '../http/body.ts'
import { sendJson, sendResponse, webRequest } from '../http/exchange.ts'
import { HttpProblem } from '../http/problem.ts'
import type { Authenticator } from '../identity/authenticator.ts'
import type { Peer, PeerHandler } from '../identity/peer.ts'
import { createAccessGate } from './access-gate.ts'
import type { Admission } from './admission.ts'
import { Arrival, authInfoOf } from './arrival.ts'
import type { Serving } from './call.ts'
import { createFailureLimit } from './failure-limit.ts'
import { checkAddress, checkBody, type Guard } from './guard.ts'
import type { LegacySessions } from './legacy-sessions.ts'
import { CACHE_HINTS, type Identity } from './mcp-server.ts'
import { type MethodRequest, methodNames, serveMethod } from './methods.ts'
import { createRecogniser, MODERN_VERSION, type ModernRequest } from './modern.ts'
import { checkParamHeaders } from './param-headers.ts'
import type { Refusal } from './refusal-audit.ts'
import { problemOf } from './rpc-problem.ts'
import { AnswerStream } from './stream.ts'
import { createTurnstile } from './turnstile.ts'

export interface EndpointOptions {
  readonly serving: Serving
  readonly identity: Identity
  readonly guard: Guard
  readonly authenticator: Authenticator
  readonly admission: Admission
  readonly auditRefusal: (refusal: Refusal) => Promise<void>
  /** Requests of the modern era that are out of the ordinary, malformed ones among them. */
  readonly modern: McpHttpHandler
  readonly legacy: LegacySessions
  /** Whether the server has been told to stop. */
  readonly draining: () => boolean
}

/** What the endpoint of either era knows; the rest is 405. */
const HTTP_METHODS = new Set(['GET', 'POST', 'DELETE'])

/** The MCP endpoint. In this order: address, record, caller, access, body, place, era. Whatever is refused here never reaches the SDK. */
export function createEndpoint(options: EndpointOptions): PeerHandler {
  const { serving, guard, authenticator, admission, auditRefusal, modern, legacy, draining } = options
  const failures = createFailureLimit(serving.limits.failures)
  const turnstile = createTurnstile({ admission, failures, auditRefusal })
  const access = createAccessGate(serving, auditRefusal)
  const recognise = createRecogniser(methodNames(serving))
  const serveModern = createModern(options)

  async function authenticate(request: IncomingMessage, peer: Peer, startedAt: number): Promise<Arrival> {
    let from = peer.kind === 'edge-socket' ? 'edge' : request.socket.remoteAddress
    try {
      checkAddress(request, guard)
      serving.gate.current()
      const presented = authenticator.read(request, peer)
      from = presented.from
      const looked = turnstile.look(presented)
      const verified = authenticator.verify(presented)
      verified.then(() => looked(), looked)
      return new Arrival(await verified, from, startedAt)
    } catch (error) {
      if (error instanceof GatehouseError)
        await auditRefusal({ code: error.code, message: error.message, from, startedAt })
      throw error
    }
  }

  /** A body that is refused is in the audit, with the caller who sent it. */
  async function readBody(request: IncomingMessage, arrival: Arrival, read: (body: unknown) => void): Promise<unknown> {
    try {
      const body = request.method === 'POST' ? await readIncomingJson(request, serving.limits.body) : undefined
      read(body)
      checkBody(body, request.headers)
      return body
    } catch (error) {
      if (error instanceof GatehouseError) await auditRefusal({ ...arrival, code: error.code, message: error.message })
      throw error
    }
  }

  async function serve(
    request: IncomingMessage,
    response: ServerResponse,
    peer: Peer,
    read: (body: unknown) => void,
  ): Promise<void> {
    if (draining())
      throw new HttpProblem(503, 'shutting_down', 'the server is stopping', { Connection: 'close', 'Retry-After': '2' })
    const arrival = await authenticate(request, peer, Date.now())
    await access.checkServer(arrival)
    if (!HTTP_METHODS.has(request.method ?? '')) {
      throw new HttpProblem(405, 'method_not_allowed', 'use POST', { Allow: 'GET, POST, DELETE' })
    }
    await turnstile.open(arrival, response)
    const body = await readBody(request, arrival, read)
    const gone = goneSignal(response)
    await turnstile.pass(arrival, body, response, gone)
    await access.checkScopes(arrival, body)
    checkDeclaredHeaders(serving, arrival, body, request.headers)
    const ordinary = recognise(request.headers, body)
    if (ordinary) return serveModern(ordinary, arrival, request, response, gone)
    const web = webRequest(request, serving.url, gone)
    const answer = (await isLegacyRequest(web, body))
      ? await legacy.handle(web, body, arrival)
      : await modern.fetch(web, { authInfo: authInfoOf(arrival), parsedBody: body })
    await sendResponse(response, answer)
  }

  return (request, response, peer) => {
    let id: unknown = null
    serve(request, response, peer, (body) => {
      id = requestIdOf(body)
    }).catch((error: unknown) => {
      if (!(error instanceof GatehouseError)) serving.log.error('a request failed', { code: 'internal', error })
      if (response.headersSent) response.destroy()
      else sendJson(response, problemOf(error, id))
    })
  }
}

/**
 * Whichever way a call of the modern era then takes: the headers that its tool's schema declares say what its arguments say. Only of a tool
 * that the caller may call, since the refusal tells that there is one.
 * @throws RpcProblem `header_mismatch`
 */
function checkDeclaredHeaders(
  { table, policy, gate }: Serving,
  { caller }: Arrival,
  body: unknown,
  headers: IncomingHttpHeaders,
): void {
  if (headers['mcp-protocol-version'] !== MODERN_VERSION || typeof body !== 'object' || body === null) return
  const { method, params } = body as { method?: unknown; params?: { name?: unknown; arguments?: unknown } }
  if (method !== 'tools/call' || typeof params?.name !== 'string') return
  const tool = table.tools.get(params.name)
  if (!tool || tool.paramHeaders.length === 0) return
  const resource = { kind: 'tool', name: params.name } as const
  if (policy.decide({ caller, action: 'call', resource, record: gate.current().record }).allowed)
    checkParamHeaders(tool.paramHeaders, params.arguments, headers)
}

/** Aborts when the client goes away before it has its answer. */
function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  const leave = (): void => {
    if (!response.writableFinished) gone.abort(new HttpProblem(400, 'request_abandoned', 'the client went away'))
  }
  if (response.closed) leave()
  else response.once('close', leave)
  return gone.signal
}

/** Serves what was recognised: the method's result as the modern era has it. */
function createModern({ serving, identity }: EndpointOptions) {
  const { id: name, title, version } = identity
  const serverInfo = { [SERVER_INFO_META_KEY]: { name, title, version } }
  const hints: Readonly<Record<string, object>> = CACHE_HINTS

  return async (
    { id, method, params, meta }: ModernRequest,
    arrival: Arrival,
    request: IncomingMessage,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> => {
    const stream = new AnswerStream(response, takesStream(request.headers.accept))
    const call: MethodRequest = {
      era: 'modern',
      arrival,
      protocolVersion: MODERN_VERSION,
      params,
      meta,
      exchange: {
        responses: params['inputResponses'],
        state: params['requestState'],
        capabilities: meta[CLIENT_CAPABILITIES_META_KEY],
      },
      signal,
      notify: (kind, content) => stream.notify(kind, content),
      log(level, message) {
        const threshold = meta[LOG_LEVEL_META_KEY]
        if (typeof threshold !== 'string' || SEVERITIES.indexOf(level) < SEVERITIES.indexOf(threshold)) return
        stream.notify('notifications/message', { level, data: message })
      },
    }
    try {
      const result = await serveMethod(serving, method, call)
      const complete = result['resultType'] === undefined
      stream.end(
        {
          result: {
            ...result,
            ...(complete && { resultType: 'complete', ...hints[method] }),
            _meta: { ...(result['_meta'] as object | undefined), ...serverInfo },
          },
          jsonrpc: '2.0',
          id,
        },
        200,
      )
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      const { code, message, data } = error
      // MCP 2026-07-28, basic/versioning: the one error of a method that has an HTTP status of its own.
      const status = error instanceof MissingRequiredClientCapabilityError ? 400 : 200
      stream.end({ jsonrpc: '2.0', id, error: { code, message, ...(data !== undefined && { data }) } }, status)
    }
  }
}

/** A client should accept both forms (MCP 2026-07-28, transports); to one that names others alone no stream is sent. */
function takesStream(accept: string | undefined): boolean {
  return accept === undefined || /text\/(event-stream|\*)|\*\/\*/i.test(accept)
}

/** RFC 5424, from the least. */
const SEVERITIES: readonly string[] = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']

function requestIdOf(body: unknown): unknown {
  return typeof body === 'object' && body !== null && 'id' in body ? body.id : null
}
