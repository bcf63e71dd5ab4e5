import { GatehouseError } from '@gatehouse/contracts'
import { isSecure } from './address.ts'

export type HttpFault = 'http_insecure' | 'http_timeout' | 'http_unreachable' | 'http_too_large' | 'http_redirect'

/** What went wrong between us and a host, before its answer could be read. Names the host and never the path or query, which may hold a secret. */
export class HttpError extends GatehouseError {
  declare readonly code: HttpFault
  constructor(
    code: HttpFault,
    readonly host: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, `${host}: ${message}`, options)
  }
}

export interface BoundedFetchOptions {
  readonly fetch?: typeof fetch
  /** From the request to the last byte of the answer, milliseconds. Default 10,000. */
  readonly timeLimit?: number
  /** Bytes of the answer after decompression. Default 1 MiB. */
  readonly sizeLimit?: number
}

const TIME_LIMIT = 10_000
const SIZE_LIMIT = 1024 * 1024
/** Statuses whose `Response` may have no body (Fetch standard, null body status). */
const NULL_BODY = new Set([101, 204, 205, 304])
const REDIRECTS = new Set([301, 302, 303, 307, 308])

/**
 * A `fetch` for small answers that can neither hang, nor flood memory, nor be led elsewhere: https (http on this machine), no redirect
 * followed, the whole answer within a time and a size.
 * @throws HttpError, or the signal's reason when the caller aborted
 */
export function boundedFetch(options: BoundedFetchOptions = {}): typeof fetch {
  const send = options.fetch ?? fetch
  const timeLimit = options.timeLimit ?? TIME_LIMIT
  const sizeLimit = options.sizeLimit ?? SIZE_LIMIT
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    if (!isSecure(url)) throw new HttpError('http_insecure', url.host, 'only https is accepted')
    const callers = init?.signal ?? (input instanceof Request ? input.signal : undefined)
    const clock = AbortSignal.timeout(timeLimit)
    const signal = callers ? AbortSignal.any([callers, clock]) : clock
    try {
      const response = await send(input, { ...init, redirect: 'manual', signal })
      if (REDIRECTS.has(response.status)) {
        await response.body?.cancel()
        throw new HttpError('http_redirect', url.host, 'answered with a redirect, which is not followed')
      }
      return await drained(response, url.host, sizeLimit)
    } catch (cause) {
      if (cause instanceof GatehouseError) throw cause
      callers?.throwIfAborted()
      if (clock.aborted)
        throw new HttpError('http_timeout', url.host, `no answer within ${timeLimit / 1000} s`, { cause })
      throw new HttpError('http_unreachable', url.host, `cannot be reached${reasonOf(cause)}`, { cause })
    }
  }
}

async function drained(response: Response, host: string, sizeLimit: number): Promise<Response> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > sizeLimit) throw new HttpError('http_too_large', host, `the answer is larger than ${sizeLimit} bytes`)
    chunks.push(chunk)
  }
  const { status, statusText, headers } = response
  return new Response(NULL_BODY.has(status) ? null : Buffer.concat(chunks), { status, statusText, headers })
}

/** Node's fetch hides the system's code (ECONNREFUSED, ENOTFOUND, CERT_HAS_EXPIRED) in `cause`. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? ` (${code})` : ''
}
