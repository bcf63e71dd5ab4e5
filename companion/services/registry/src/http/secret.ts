import { createHash, timingSafeEqual } from 'node:crypto'
import { HttpProblem } from '@gatehouse/kit'
import type { MiddlewareHandler } from 'hono'

/** Admits whoever presents `secret` as a bearer credential. Compared in constant time, as digests, so that not even the length shows. */
export function requireSecret(secret: string): MiddlewareHandler {
  const expected = digest(secret)
  return async (context, next) => {
    const [, given] = /^Bearer +(\S{1,1024})$/i.exec(context.req.header('Authorization') ?? '') ?? []
    if (given === undefined || !timingSafeEqual(digest(given), expected)) {
      throw new HttpProblem(401, 'secret_invalid', 'the bearer credential is missing or wrong', {
        'WWW-Authenticate': 'Bearer',
      })
    }
    await next()
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest()
}
