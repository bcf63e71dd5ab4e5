import { type Agent, type ClientRequestArgs, request as httpRequest } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { EDGE_HEADERS } from '@gatehouse/contracts'
import { decodeJwt } from 'jose'
import type { TestSvid } from '../../support/svid.ts'

/** How a request reaches the server: a TCP address, a socket file, or TLS with a certificate or without. */
export type Way =
  | { readonly kind: 'plain'; readonly url: string }
  | { readonly kind: 'socket'; readonly path: string; readonly host: string }
  | {
      readonly kind: 'tls'
      readonly url: string
      readonly authority: string
      readonly svid?: Pick<TestSvid, 'certificates' | 'key'> | undefined
      readonly agent?: Agent
      readonly tls?: RequestOptions
    }

export interface Wired {
  readonly status: number
  readonly body: string
  readonly headers: NodeJS.Dict<string | string[]>
  readonly code: string | undefined
  readonly message: string | undefined
  /** `result.structuredContent`, or `result` of what is no call. */
  readonly result: Record<string, unknown> | undefined
}

export type Header = readonly [name: string, value: string]

export interface Asked {
  readonly method?: string
  readonly params?: Record<string, unknown>
  readonly headers?: readonly Header[]
  readonly path?: string
  readonly http?: string
}

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'wire', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** One request of MCP 2026-07-28, with headers byte for byte as they stand here, repeated ones too. */
export function ask(way: Way, asked: Asked = {}): Promise<Wired> {
  const { method = 'tools/call', params = { name: 'echo', arguments: { text: 'x' } }, headers = [] } = asked
  const name = params['name']
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: META } })
  const all: Header[] = [
    ['Host', way.kind === 'socket' ? way.host : new URL(way.url).host],
    ['Content-Type', 'application/json'],
    ['Content-Length', String(Buffer.byteLength(body))],
    ['Accept', 'application/json, text/event-stream'],
    ['MCP-Protocol-Version', '2026-07-28'],
    ['Mcp-Method', method],
    ...(typeof name === 'string' ? [['Mcp-Name', name] as const] : []),
    ...headers,
  ]
  return send(way, {
    method: asked.http ?? 'POST',
    path: asked.path ?? '/mcp',
    headers: all.flat(),
    setHost: false,
    body,
  })
}

function send(way: Way, { body, ...options }: ClientRequestArgs & { body: string }): Promise<Wired> {
  return new Promise((resolve, reject) => {
    const request = open(way, options)
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text, ...read(text) })
      })
    })
    request.on('error', reject)
    // As bytes: a string would be joined with the headers and change how they are encoded.
    request.end(Buffer.from(body))
  })
}

function open(way: Way, options: ClientRequestArgs) {
  switch (way.kind) {
    case 'plain': {
      const { hostname, port } = new URL(way.url)
      return httpRequest({ ...options, hostname, port, agent: false })
    }
    case 'socket':
      return httpRequest({ ...options, socketPath: way.path, agent: false })
    case 'tls': {
      const { hostname, port } = new URL(way.url)
      return httpsRequest({
        ...options,
        hostname,
        port,
        ca: way.authority,
        // A SPIFFE id is no DNS name.
        checkServerIdentity: () => undefined,
        agent: way.agent ?? false,
        ...(way.svid && { cert: way.svid.certificates, key: way.svid.key }),
        ...way.tls,
      } as RequestOptions)
    }
  }
}

interface Message {
  readonly result?: { readonly structuredContent?: Record<string, unknown> } & Record<string, unknown>
  readonly error?: { readonly message?: string; readonly data?: { readonly code?: string } }
  readonly code?: string
  readonly message?: string
}

function read(text: string): Pick<Wired, 'code' | 'message' | 'result'> {
  const line = text.startsWith('{') ? text : (/^data: (\{.*)$/m.exec(text)?.[1] ?? '{}')
  const { result, error, code, message } = JSON.parse(line) as Message
  const failure = (result?.['_meta'] as Record<string, { code?: string; message?: string }> | undefined)?.[
    'dev.gatehouse/failure'
  ]
  return {
    code: error?.data?.code ?? failure?.code ?? code,
    message: error?.message ?? message,
    result: result?.structuredContent ?? result,
  }
}

/** What the edge writes of a token that it has verified: Envoy's `claim_to_headers`. */
export function edgeHeaders(token: string, change: Partial<Record<keyof typeof EDGE_HEADERS, string | null>> = {}) {
  const claims = decodeJwt(token) as Record<string, unknown>
  const cnf = claims['cnf'] as { jkt?: string } | undefined
  const said: Partial<Record<keyof typeof EDGE_HEADERS, string | null>> = {
    user: claims['sub'] as string,
    groups: claims['groups'] ? Buffer.from(JSON.stringify(claims['groups'])).toString('base64url') : null,
    client: (claims['client_id'] as string | undefined) ?? null,
    expires: String(claims['exp']),
    thumbprint: cnf?.jkt ?? null,
    ...change,
  }
  return (Object.keys(EDGE_HEADERS) as (keyof typeof EDGE_HEADERS)[]).flatMap((field): Header[] => {
    const value = said[field]
    return value === null || value === undefined ? [] : [[EDGE_HEADERS[field], value]]
  })
}
