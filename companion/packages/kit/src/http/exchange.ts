import type { IncomingMessage, ServerResponse } from 'node:http'

export interface JsonAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: unknown
}

export function sendJson(response: ServerResponse, { status, headers, body }: JsonAnswer): void {
  if (response.destroyed) return
  const text = JSON.stringify(body)
  response
    .writeHead(status, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(text),
      'Cache-Control': 'no-store',
      ...headers,
    })
    .end(text)
}

/** A web response, streamed no faster than the client reads. A client that goes away ends the stream. */
export async function sendResponse(response: ServerResponse, from: Response): Promise<void> {
  if (response.destroyed) return void (await from.body?.cancel())
  response.writeHead(from.status, Object.fromEntries(from.headers))
  if (!from.body) return void response.end()
  response.flushHeaders()
  const reader = from.body.getReader()
  response.once('close', () => void reader.cancel().catch(() => undefined))
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (!response.write(part.value)) await roomIn(response)
  }
  response.end()
}

function roomIn(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.once('drain', done)
    response.once('close', done)
    if (response.closed) done()
  })
}

/** The head of a Node request as the web has it; the body was read before. Its signal aborts when the client goes away. */
export function webRequest(request: IncomingMessage, url: string, signal: AbortSignal): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, String(value))
  }
  return new Request(url, { method: request.method ?? 'GET', headers, signal })
}
