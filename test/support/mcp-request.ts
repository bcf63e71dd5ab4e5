import type { Device } from './device.ts'

export interface RawCall {
  readonly url: string
  readonly token: string
  /** Signs the DPoP proof; absent: plain bearer. */
  readonly device?: Device
  readonly tool: string
  readonly arguments: Record<string, unknown>
  readonly meta?: Record<string, unknown>
  /** What the proof says beside. */
  readonly claims?: Record<string, unknown>
  readonly headers?: Record<string, string>
}

export interface RawAnswer {
  readonly status: number
  /** `result.structuredContent`, or the data of a failed result, or the JSON-RPC error, or the body. */
  readonly isError: boolean
  readonly structured: Record<string, unknown>
  readonly body: string
}

/** One `tools/call` of MCP 2026-07-28 as curl would send it: no client library in between. */
export async function rawCall(call: RawCall): Promise<RawAnswer> {
  const response = await fetch(call.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': call.tool,
      authorization: `${call.device ? 'DPoP' : 'Bearer'} ${call.token}`,
      ...(call.device ? { dpop: await call.device.proof('POST', call.url, call.token, call.claims) } : {}),
      ...call.headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name: call.tool,
        arguments: call.arguments,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'curl', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {},
          ...call.meta,
        },
      },
    }),
  })
  const body = await response.text()
  return { status: response.status, body, ...interpret(body) }
}

interface Message {
  readonly result?: {
    readonly isError?: boolean
    readonly structuredContent?: Record<string, unknown>
    readonly _meta?: { readonly 'dev.gatehouse/failure'?: Record<string, unknown> }
  }
  readonly error?: Record<string, unknown>
}

function interpret(body: string): { isError: boolean; structured: Record<string, unknown> } {
  for (const text of [
    body,
    ...body.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : [])),
  ]) {
    const message = parse(text)
    if (message?.result) {
      const { isError, structuredContent, _meta } = message.result
      return { isError: isError === true, structured: structuredContent ?? _meta?.['dev.gatehouse/failure'] ?? {} }
    }
    if (message?.error) return { isError: true, structured: message.error }
  }
  return { isError: true, structured: (parse(body) as Record<string, unknown>) ?? {} }
}

function parse(text: string): Message | undefined {
  try {
    return JSON.parse(text) as Message
  } catch {
    return undefined
  }
}
