import type { IncomingMessage } from 'node:http'
import { IdentityError } from './errors.ts'

/** Longest accepted body, bytes. */
const LIMIT = 16 * 1024

/** @throws IdentityError `request_invalid` for another type, a longer body, or bytes that are not UTF-8 */
export async function readBody(request: IncomingMessage, type: string): Promise<string> {
  if (request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() !== type) {
    throw new IdentityError('request_invalid', `the body must be ${type}`)
  }
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    if (!(chunk instanceof Buffer)) throw new IdentityError('request_invalid', 'the body is not binary')
    length += chunk.length
    if (length > LIMIT) throw new IdentityError('request_invalid', `the body is longer than ${LIMIT} bytes`)
    chunks.push(chunk)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch (cause) {
    throw new IdentityError('request_invalid', 'the body is not UTF-8', { cause })
  }
}
