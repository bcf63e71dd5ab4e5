import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Json, JsonError, parseStrictJson } from '@gatehouse/contracts'
import { HttpProblem } from './problem.ts'

// Node's own request and response, where the web's would cost as much again as the work itself.

const JSON_TYPE = /^application\/(json|[a-z0-9.+-]+\+json)\s*(;|$)/i

/**
 * Reads a JSON body of at most `maxBytes`, strictly: a duplicate key or a number that would be rounded is refused.
 * @throws HttpProblem 413 `body_too_large`, 415 `content_type`, 400 `body_incomplete` or with the code of the JsonError
 */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<Json> {
  if (!JSON_TYPE.test(request.headers['content-type'] ?? '')) throw wrongType()
  return parseJsonBody(await readBytes(request, maxBytes), maxBytes)
}

export function wrongType(): HttpProblem {
  return new HttpProblem(415, 'content_type', 'the body must be application/json')
}

/** @throws HttpProblem 400 with the code of the JsonError */
export function parseJsonBody(bytes: Buffer, maxBytes: number): Json {
  if (!isUtf8(bytes)) throw new HttpProblem(400, 'json_syntax', 'the body is not UTF-8')
  try {
    return parseStrictJson(bytes.toString('utf8'), { maxLength: maxBytes })
  } catch (cause) {
    if (cause instanceof JsonError) throw new HttpProblem(400, cause.code, cause.message, {}, { cause })
    throw cause
  }
}

function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const fail = (problem: HttpProblem): void => {
      request.off('data', onData)
      request.off('close', onClose)
      reject(problem)
    }
    const onClose = (): void => fail(incomplete())
    const onData = (chunk: Buffer): void => {
      size += chunk.byteLength
      if (size > maxBytes) fail(tooLarge(maxBytes))
      else chunks.push(chunk)
    }
    if (request.destroyed) return fail(incomplete())
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) return fail(tooLarge(maxBytes))
    request.on('data', onData)
    request.once('end', () => {
      request.off('close', onClose)
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks))
    })
    request.once('close', onClose)
    request.once('error', (cause) => fail(incomplete(cause)))
  })
}

/** The connection stays: closed on a client that still sends, it would be reset, and the answer lost. Node drops the rest, for a time. */
function tooLarge(maxBytes: number): HttpProblem {
  return new HttpProblem(413, 'body_too_large', `the body may have ${maxBytes} bytes at most`)
}

function incomplete(cause?: unknown): HttpProblem {
  return new HttpProblem(400, 'body_incomplete', 'the body did not arrive', { Connection: 'close' }, { cause })
}

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
