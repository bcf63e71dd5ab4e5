import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import { channelBroken } from '../connections/errors.ts'
import type { EditorSdk } from './editor-sdk.ts'
import { createEditorServer, type EditorServerOptions } from './editor-server.ts'

/** One MCP session of VS Code with one definition (protocol revision 2025-11-25, Streamable HTTP). */
export interface McpSession {
  readonly id: string
  handle(request: IncomingMessage, response: ServerResponse, message?: JSONRPCMessage): Promise<void>
  /** Tells VS Code that the tools have changed, if they have. */
  refresh(): Promise<void>
  close(): Promise<void>
}

export type McpSessionOptions = Omit<EditorServerOptions, 'call'>

/** A silent stream is dropped by VS Code at 300 s; keep-alives at most 15 s apart hold it. */
const KEEP_ALIVE = 10_000

type RequestId = string | number

export async function openMcpSession(
  sdk: EditorSdk,
  options: McpSessionOptions,
  ended: () => void,
): Promise<McpSession> {
  const id = randomUUID()
  const calls = new Map<RequestId, AbortController>()
  const posts = new Map<RequestId, ServerResponse>()
  let backchannel: ServerResponse | undefined
  let closed = false
  const transport = new sdk.StreamableHTTPServerTransport({ sessionIdGenerator: () => id, keepAliveMs: KEEP_ALIVE })
  const send = transport.send.bind(transport)
  transport.send = (message, related) => deliver(message, () => send(message, related))
  const server = createEditorServer(sdk, { ...options, call: runCall })
  server.mcp.onclose = finish
  await server.mcp.connect(transport)

  return {
    id,
    async handle(request, response, message) {
      if (message && isCancelled(message)) cancel(message.params.requestId)
      if (message && isRequest(message)) followPost(message.id, response)
      if (request.method === 'GET') followGet(response)
      await transport.handleRequest(request, response, message)
    },
    refresh: () => server.refresh(),
    close: () => server.mcp.close(),
  }

  async function runCall<T>(requestId: RequestId, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    calls.set(requestId, controller)
    try {
      return await work(controller.signal)
    } finally {
      calls.delete(requestId)
    }
  }

  /** The stop button: VS Code leaves the POST open and the SDK answers nothing, so it is ended here. */
  function cancel(requestId: RequestId): void {
    calls.get(requestId)?.abort(new DOMException('The person stopped the call.', 'AbortError'))
    const post = posts.get(requestId)
    posts.delete(requestId)
    post?.end()
  }

  function followPost(requestId: RequestId, response: ServerResponse): void {
    posts.set(requestId, response)
    response.once('close', () => {
      if (posts.get(requestId) === response && !backchannel) calls.get(requestId)?.abort(channelBroken())
    })
  }

  function followGet(response: ServerResponse): void {
    if (backchannel && !backchannel.writableEnded && !backchannel.destroyed) return
    backchannel = response
    response.once('close', () => {
      if (backchannel !== response) return
      backchannel = undefined
      for (const [requestId, post] of posts) {
        if (post.destroyed) calls.get(requestId)?.abort(channelBroken())
      }
    })
  }

  /** When the stream of a call has broken, its result on the GET stream completes the call. */
  async function deliver(message: JSONRPCMessage, normally: () => Promise<void>): Promise<void> {
    if (!isResponse(message)) return normally()
    const post = posts.get(message.id)
    posts.delete(message.id)
    if (!post?.destroyed || !backchannel) return normally()
    backchannel.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`)
  }

  function finish(): void {
    if (closed) return
    closed = true
    for (const controller of calls.values()) controller.abort(channelBroken())
    for (const post of posts.values()) post.end()
    backchannel?.end()
    ended()
  }
}

type Cancelled = JSONRPCMessage & { params: { requestId: RequestId } }

function isCancelled(message: JSONRPCMessage): message is Cancelled {
  return 'method' in message && message.method === 'notifications/cancelled' && isId(message.params?.['requestId'])
}

function isRequest(message: JSONRPCMessage): message is JSONRPCMessage & { id: RequestId } {
  return 'method' in message && 'id' in message && isId(message.id)
}

function isResponse(message: JSONRPCMessage): message is JSONRPCMessage & { id: RequestId } {
  return !('method' in message) && isId(message.id)
}

function isId(value: unknown): value is RequestId {
  return typeof value === 'string' || typeof value === 'number'
}
