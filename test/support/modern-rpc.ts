import type { Device } from './device.ts'

export interface ModernRpc {
  readonly url: string
  readonly token?: string
  readonly device?: Device
  /** Headers of a caller that are made already, in place of token and device. */
  readonly credentials?: Readonly<Record<string, string>>
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>>
  /** Of the client; default none. */
  readonly capabilities?: Readonly<Record<string, unknown>>
  readonly meta?: Readonly<Record<string, unknown>>
}

export interface RpcAnswer {
  readonly status: number
  readonly result: Record<string, unknown> | undefined
  readonly error:
    | { readonly code: number; readonly message: string; readonly data?: Record<string, unknown> }
    | undefined
  /** What is no answer of MCP: the error of an HTTP API. */
  readonly problem: { readonly code: string; readonly message: string } | undefined
  /** What came before the answer, when it was a stream. */
  readonly notifications: readonly { readonly method: string; readonly params: Record<string, unknown> }[]
}

/** One request of MCP 2026-07-28 as curl would send it: no client library in between. */
export async function modernRpc(request: ModernRpc): Promise<RpcAnswer> {
  const { url, token = '', device, credentials, method, params = {}, capabilities = {}, meta = {} } = request
  const name = params['name'] ?? params['uri']
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof name === 'string' && { 'mcp-name': name }),
      ...(credentials ?? { authorization: `${device ? 'DPoP' : 'Bearer'} ${token}` }),
      ...(device && { dpop: await device.proof('POST', url, token) }),
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method,
      params: {
        ...params,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'curl', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': capabilities,
          ...meta,
        },
      },
    }),
  })
  const messages = messagesOf(await response.text())
  const answer = messages.at(-1)
  return {
    status: response.status,
    result: answer?.result,
    error: answer?.error,
    problem: answer?.code === undefined ? undefined : { code: answer.code, message: answer.message ?? '' },
    notifications: messages.flatMap(({ method, params }) => (method && params ? [{ method, params }] : [])),
  }
}

interface Message {
  readonly method?: string
  readonly params?: Record<string, unknown>
  readonly result?: Record<string, unknown>
  readonly error?: NonNullable<RpcAnswer['error']>
  readonly code?: string
  readonly message?: string
}

function messagesOf(text: string): Message[] {
  if (text.startsWith('{')) return [JSON.parse(text) as Message]
  return text.split('\n').flatMap((line) => (line.startsWith('data: {') ? [JSON.parse(line.slice(6)) as Message] : []))
}
