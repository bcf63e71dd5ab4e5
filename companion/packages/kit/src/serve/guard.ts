import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { HttpProblem } from '../http/problem.ts'
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
 * DNS rebinding (MCP 2026-07-28, transports, "security"): a page that a browser was tricked into must not reach this server.
 * @throws HttpProblem 403
 */
export function checkAddress({ headers }: IncomingMessage, guard: Guard): void {
  const { host, origin } = headers
  if (!host || !guard.hosts.has(host.toLowerCase()))
    throw new HttpProblem(403, 'host_refused', 'the Host header names another server')
  if (origin !== undefined && !guard.origins.has(origin))
    throw new HttpProblem(403, 'origin_refused', 'this origin may not call')
}

/** Node keeps the first of repeated headers of these names and drops the rest in silence, while a proxy may have looked at the last. */
export function repeatedHeader(incoming: IncomingMessage, name: string): boolean {
  return incoming.rawHeaders.filter((header, index) => index % 2 === 0 && header.toLowerCase() === name).length > 1
}

/** -32020, header mismatch (MCP 2026-07-28). */
const HEADER_MISMATCH = -32_020
const INVALID_REQUEST = -32_600

/**
 * What an edge reads must be what runs, in both eras: `Mcp-Method` and `Mcp-Name` say what the body says. (That the modern era has them at
 * all is checked by the SDK.) Batches went with 2025-06-18.
 * @throws RpcProblem
 */
export function checkBody(body: unknown, headers: IncomingHttpHeaders): void {
  if (Array.isArray(body))
    throw new RpcProblem(400, INVALID_REQUEST, 'batch_refused', 'JSON-RPC batches are not supported')
  const method = headers['mcp-method']
  if (method !== undefined && method !== field(body, 'method')) {
    throw new RpcProblem(400, HEADER_MISMATCH, 'header_mismatch', 'the header Mcp-Method differs from the body')
  }
  const name = headers['mcp-name']
  const params = field(body, 'params')
  if (name !== undefined && name !== field(params, 'name') && name !== field(params, 'uri')) {
    throw new RpcProblem(400, HEADER_MISMATCH, 'header_mismatch', 'the header Mcp-Name differs from the body')
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined
}
