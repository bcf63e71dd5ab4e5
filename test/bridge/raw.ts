import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import type { BridgeDefinition } from '../../src/bridge/types.ts'

/** Where a definition's URI leads, as VS Code's extension host reads it: socket in the path, path in the fragment. */
function addressOf(definition: BridgeDefinition): { socketPath: string; path: string } {
  const url = new URL(definition.uri)
  return { socketPath: decodeURI(url.pathname), path: url.hash.slice(1) }
}

export interface RawRequest {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: unknown
  readonly path?: string
}

/** One request over the socket. The response is handed over unread, so that a test can see streams. */
export function send(definition: BridgeDefinition, options: RawRequest): Promise<IncomingMessage> {
  const { socketPath, path } = addressOf(definition)
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath,
        path: options.path ?? path,
        method: options.method ?? 'POST',
        headers: {
          Accept: 'application/json, text/event-stream',
          'Content-Type': 'application/json',
          ...definition.headers,
          ...options.headers,
        },
      },
      resolve,
    )
    outgoing.on('error', reject)
    outgoing.end(
      options.body === undefined
        ? undefined
        : typeof options.body === 'string'
          ? options.body
          : JSON.stringify(options.body),
    )
  })
}

/** `fetch` over the socket, for the SDK's own client. */
export function socketFetch(
  definition: BridgeDefinition,
): (input: string | URL, init?: RequestInit) => Promise<Response> {
  return (_input, init) => {
    const { socketPath, path } = addressOf(definition)
    return new Promise((resolve, reject) => {
      const outgoing = request(
        { socketPath, path, method: init?.method ?? 'GET', headers: Object.fromEntries(new Headers(init?.headers)) },
        (incoming) => resolve(responseOf(incoming)),
      )
      outgoing.on('error', reject)
      init?.signal?.addEventListener('abort', () => outgoing.destroy(new DOMException('aborted', 'AbortError')))
      outgoing.end(init?.body ?? undefined)
    })
  }
}

function responseOf(incoming: IncomingMessage): Response {
  const status = incoming.statusCode ?? 500
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      incoming.on('data', (chunk: Buffer) => controller.enqueue(new Uint8Array(chunk)))
      incoming.on('end', () => controller.close())
      incoming.on('error', (error) => controller.error(error))
    },
    cancel: () => void incoming.destroy(),
  })
  return new Response([204, 304].includes(status) ? null : body, { status, headers: headersOf(incoming.headers) })
}

function headersOf(headers: IncomingHttpHeaders): Headers {
  return new Headers(Object.entries(headers).map(([name, value]) => [name, String(value)] as [string, string]))
}

export async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of incoming) text += String(chunk)
  return text
}

export const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
}
