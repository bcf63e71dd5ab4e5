import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { type Json, JsonError, parseStrictJson } from '@gatehouse/contracts'
import { HttpProblem } from './problem.ts'

const JSON_TYPE = /^application\/(json|[a-z0-9.+-]+\+json)\s*(;|$)/i

/**
 * Reads a JSON body of at most `maxBytes`, strictly: a duplicate key or a number that would be rounded is refused.
 * @throws HttpProblem 413 `body_too_large`, 415 `content_type`, 400 `body_incomplete` or with the code of the JsonError
 */
export async function readJsonBody(request: Request, maxBytes: number): Promise<Json> {
  checkHead(request.headers.get('Content-Type'), request.headers.get('Content-Length'), maxBytes)
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.byteLength
      if (size > maxBytes) throw tooLarge(maxBytes)
      chunks.push(chunk)
    }
  } catch (cause) {
    throw cause instanceof HttpProblem ? cause : incomplete(cause)
  }
  return parse(Buffer.concat(chunks), maxBytes)
}

/** The same of Node's own request, where making a web request of it would cost as much again as the work itself. */
export async function readIncomingJson(request: IncomingMessage, maxBytes: number): Promise<Json> {
  checkHead(request.headers['content-type'], request.headers['content-length'], maxBytes)
  return parse(await bytesOf(request, maxBytes), maxBytes)
}

function bytesOf(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const stop = (): void => {
      request.off('data', onData)
      request.off('end', onEnd)
      request.off('error', onError)
      request.off('close', onClose)
    }
    const fail = (problem: HttpProblem): void => {
      stop()
      reject(problem)
    }
    const onData = (chunk: Buffer): void => {
      size += chunk.byteLength
      if (size > maxBytes) fail(tooLarge(maxBytes))
      else chunks.push(chunk)
    }
    const onEnd = (): void => {
      stop()
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks))
    }
    const onError = (cause: unknown): void => fail(incomplete(cause))
    const onClose = (): void => fail(incomplete())
    if (request.destroyed) return reject(incomplete())
    request.on('data', onData)
    request.once('end', onEnd)
    request.once('error', onError)
    request.once('close', onClose)
  })
}

function checkHead(type: string | null | undefined, length: string | null | undefined, maxBytes: number): void {
  if (!JSON_TYPE.test(type ?? '')) throw new HttpProblem(415, 'content_type', 'the body must be application/json')
  if (Number(length ?? 0) > maxBytes) throw tooLarge(maxBytes)
}

function parse(bytes: Buffer, maxBytes: number): Json {
  if (!isUtf8(bytes)) throw new HttpProblem(400, 'json_syntax', 'the body is not UTF-8')
  try {
    return parseStrictJson(bytes.toString('utf8'), { maxLength: maxBytes })
  } catch (cause) {
    if (cause instanceof JsonError) throw new HttpProblem(400, cause.code, cause.message, {}, { cause })
    throw cause
  }
}

/** The connection stays: closed on a client that still sends, it would be reset, and the answer lost. Node drops the rest, for a time. */
function tooLarge(maxBytes: number): HttpProblem {
  return new HttpProblem(413, 'body_too_large', `the body may have ${maxBytes} bytes at most`)
}

function incomplete(cause?: unknown): HttpProblem {
  return new HttpProblem(400, 'body_incomplete', 'the body did not arrive', { Connection: 'close' }, { cause })
}
