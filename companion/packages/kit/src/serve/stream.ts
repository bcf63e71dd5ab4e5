import type { ServerResponse } from 'node:http'

/** Between the comments that keep proxies from closing a quiet stream, milliseconds. */
const KEEP_ALIVE = 15_000
/** What may wait for a client that reads slowly before what can be left out is left out, bytes. */
const MAX_WAITING = 64 * 1024

const HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache, no-transform',
  // Not to be held back by nginx.
  'X-Accel-Buffering': 'no',
}

/**
 * The answer to one request of the modern era: plain JSON, or, once something was said before the result, a stream of server-sent events
 * that ends with it (MCP 2026-07-28, transports, "streamable HTTP").
 */
export class AnswerStream {
  readonly #response: ServerResponse
  readonly #streams: boolean
  #keepAlive: NodeJS.Timeout | undefined

  /** @param streams whether the client takes a stream; to one that does not only the result is sent */
  constructor(response: ServerResponse, streams = true) {
    this.#response = response
    this.#streams = streams
  }

  /** Progress and log lines: each is worth less than the next, so a client that does not keep up misses some. */
  notify(method: string, params: Record<string, unknown>): void {
    const response = this.#response
    if (!this.#streams || response.writableEnded || response.destroyed || response.writableLength > MAX_WAITING) return
    if (!response.headersSent) this.#open()
    response.write(frame({ jsonrpc: '2.0', method, params }))
  }

  /** The last word. `status` counts only when nothing was said before. */
  end(message: Readonly<Record<string, unknown>>, status: number): void {
    const response = this.#response
    if (response.destroyed) return
    if (response.headersSent) {
      clearInterval(this.#keepAlive)
      response.end(frame(message))
      return
    }
    const text = JSON.stringify(message)
    response
      .writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) })
      .end(text)
  }

  #open(): void {
    const response = this.#response
    response.writeHead(200, HEADERS)
    this.#keepAlive = setInterval(() => response.write(': keepalive\n\n'), KEEP_ALIVE)
    this.#keepAlive.unref()
    response.once('close', () => clearInterval(this.#keepAlive))
  }
}

function frame(message: Readonly<Record<string, unknown>>): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`
}
