import { type Json, JsonError, parseStrictJson } from '@gatehouse/contracts'
import { HttpProblem } from './problem.ts'

/**
 * Reads a JSON body of at most `maxBytes`, strictly: a duplicate key or a number that would be rounded is refused.
 * @throws HttpProblem 413 `body_too_large`, 415 `content_type`, 400 `body_incomplete` or with the code of the JsonError
 */
export async function readJsonBody(request: Request, maxBytes: number): Promise<Json> {
  const type = request.headers.get('Content-Type') ?? ''
  if (!/^application\/(json|[a-z0-9.+-]+\+json)\s*(;|$)/i.test(type)) {
    throw new HttpProblem(415, 'content_type', 'the body must be application/json')
  }
  const text = await readText(request, maxBytes)
  try {
    return parseStrictJson(text, { maxLength: maxBytes })
  } catch (cause) {
    if (cause instanceof JsonError) throw new HttpProblem(400, cause.code, cause.message, {}, { cause })
    throw cause
  }
}

async function readText(request: Request, maxBytes: number): Promise<string> {
  const tooLarge = () => new HttpProblem(413, 'body_too_large', `the body may have ${maxBytes} bytes at most`)
  if (Number(request.headers.get('Content-Length') ?? 0) > maxBytes) throw tooLarge()
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.byteLength
      if (size > maxBytes) throw tooLarge()
      chunks.push(chunk)
    }
  } catch (cause) {
    if (cause instanceof HttpProblem) throw cause
    throw new HttpProblem(400, 'body_incomplete', 'the body did not arrive', { Connection: 'close' }, { cause })
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch (cause) {
    throw new HttpProblem(400, 'json_syntax', 'the body is not UTF-8', {}, { cause })
  }
}
