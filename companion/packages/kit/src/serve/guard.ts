import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import { HttpProblem } from '../http/problem.ts'
import { decodedHeader } from './param-headers.ts'
import { RpcProblem } from './rpc-problem.ts'

export interface Guard {
  /** Hosts by which this server may be addressed. */
  readonly hosts: ReadonlySet<string>
  readonly origins: ReadonlySet<string>
}

/** Its public name, and the names of this machine. */
export function createGuard(publicUrl: string, port: number, origins: readonly string[]): Guard {
  const local = ['127.0.0.1', 'localhost', '[::1]'].map((name) => `${name}:${port}`)
  return { hosts: new Set([new URL(publicUrl).host, ...local]), origins: new Set(origins) }
}

/**
 * DNS rebinding (MCP 2026-07-28, transports, "security"): a page that a browser was tricked into must not reach this server. Over mutual TLS it
 * could not, having no SVID; and a mesh has names for a server that it does not know itself.
 * @throws HttpProblem 403
 */
export function checkAddress({ headers, socket }: IncomingMessage, guard: Guard): void {
  const { host, origin } = headers
  if (!(socket instanceof TLSSocket) && (!host || !guard.hosts.has(host.toLowerCase())))
    throw new HttpProblem(403, 'host_refused', 'the Host header names another server')
  if (origin !== undefined && !guard.origins.has(origin))
    throw new HttpProblem(403, 'origin_refused', 'this origin may not call')
}

/** -32020, header mismatch (MCP 2026-07-28). */
const HEADER_MISMATCH = -32_020
const INVALID_REQUEST = -32_600
const INVALID_PARAMS = -32_602

const CALL_KEYS: ReadonlySet<string> = new Set(['jsonrpc', 'id', 'method', 'params'])

/**
 * What an edge reads must be what runs, in both eras: `Mcp-Method` and `Mcp-Name` say what the body says. (That the modern era has them at
 * all is checked by the SDK.) Batches went with 2025-06-18. The shape of a call is checked here, before the SDK does, so that a call that is
 * refused for it is in the audit too.
 * @throws RpcProblem
 */
export function checkBody(body: unknown, headers: IncomingHttpHeaders): void {
  if (Array.isArray(body))
    throw new RpcProblem(400, INVALID_REQUEST, 'batch_refused', 'JSON-RPC batches are not supported')
  const method = headers['mcp-method']
  if (method !== undefined && method !== field(body, 'method')) {
    throw new RpcProblem(400, HEADER_MISMATCH, 'header_mismatch', 'the header Mcp-Method differs from the body')
  }
  const sent = headers['mcp-name']
  const name = typeof sent === 'string' ? decodedHeader(sent) : undefined
  const params = field(body, 'params')
  if (sent !== undefined && (name === undefined || (name !== field(params, 'name') && name !== field(params, 'uri')))) {
    throw new RpcProblem(400, HEADER_MISMATCH, 'header_mismatch', 'the header Mcp-Name differs from the body')
  }
  if (field(body, 'method') === 'tools/call') checkCall(body as object)
}

function checkCall(body: object): void {
  if (!Object.keys(body).every((key) => CALL_KEYS.has(key)))
    throw new RpcProblem(400, INVALID_REQUEST, 'message_invalid', 'a call has no such member')
  const params = field(body, 'params')
  const state = field(params, 'requestState')
  const fits =
    typeof field(params, 'name') === 'string' &&
    ['arguments', '_meta', 'inputResponses'].every((name) => isObjectOrAbsent(field(params, name))) &&
    (state === undefined || typeof state === 'string')
  if (!fits) throw new RpcProblem(400, INVALID_PARAMS, 'params_invalid', 'the params are not those of a call')
}

function isObjectOrAbsent(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value))
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined
}
