import { isSecure } from '../http/address.ts'
import { type Challenge, challengeOf, scopesNeeded } from './challenge.ts'
import { SessionError } from './errors.ts'
import type { AccessToken } from './token-endpoint.ts'
import type { DeviceKey } from './types.ts'
import { untilAborted } from './until-aborted.ts'

type Access = Pick<AccessToken, 'token' | 'scheme'>

export interface AuthorizedFetchOptions {
  readonly resource: string
  readonly fetch: typeof fetch
  /** `undefined`: the request goes without a token. */
  tokenFor(resource: string, signal?: AbortSignal): Promise<Access | undefined>
  /** Drops this token if it is still the cached one. */
  reject(resource: string, token: string): void
  /** What the resource said with a 401, before another token is fetched. */
  challenged?(resource: string, challenge: Challenge): void
  /** Fetches a token with more scopes than this one's. @throws SessionError `scope_needed` | `scope_refused` */
  widen(resource: string, token: string, scopes: readonly string[]): Promise<void>
  key(): Promise<DeviceKey>
  /** Latest DPoP nonce per origin (RFC 9449 section 8.2). */
  readonly nonces: Map<string, string>
}

/**
 * A `fetch` for one resource: adds a token, with its proof where it is bound, and repeats once with the nonce a server asks for, once with
 * a fresh token after a 401, and once with a wider one after an `insufficient_scope`. All these refusals come before any effect, so
 * repeating is safe; a body that can be read only once is not repeated. The token never leaves for another address, and redirects are not
 * followed.
 */
export function authorizedFetch(options: AuthorizedFetchOptions): typeof fetch {
  const { resource, nonces } = options
  return async (input, init) => {
    const request = askedFor(input, init)
    const { url, signal } = request
    if (!isSecure(url) || !isWithin(url, new URL(resource)))
      throw new SessionError('wrong_resource', { detail: url.host })
    const body = init?.body ?? undefined
    const repeatable = body === undefined ? !request.body : isRepeatable(body)
    const may = { renew: repeatable, nonce: repeatable, widen: repeatable }
    for (;;) {
      const access = await options.tokenFor(resource, signal).catch((error: unknown) => {
        throw isTimeout(error) ? new SessionError('issuer_unreachable', { detail: 'no answer in time' }) : error
      })
      const response = await options.fetch(url.href, {
        ...init,
        method: request.method,
        headers: await authorized(options, request, access),
        ...(body === undefined && request.body ? { body: request.body, duplex: 'half' as const } : {}),
        redirect: 'manual',
        ...(signal && { signal }),
      })
      const fresh = response.headers.get('dpop-nonce')
      if (fresh) nonces.set(url.origin, fresh)
      const needed = scopesNeeded(response)
      if (response.status !== 401 && !needed) return response
      const challenge = challengeOf(response)
      // RFC 9449 section 9.
      if (may.nonce && fresh && challenge?.error === 'use_dpop_nonce') {
        may.nonce = false
        await response.body?.cancel()
        continue
      }
      if (needed && access) {
        await response.body?.cancel()
        await untilAborted(options.widen(resource, access.token, needed), signal)
        if (!may.widen) return new Response(null, response)
        may.widen = false
        continue
      }
      if (challenge) options.challenged?.(resource, challenge)
      if (!access) {
        await response.body?.cancel()
        throw new SessionError('signed_out')
      }
      if (!may.renew) return response
      may.renew = false
      options.reject(resource, access.token)
      await response.body?.cancel()
    }
  }
}

interface Asked {
  readonly url: URL
  readonly method: string
  readonly headers: Headers
  readonly signal: AbortSignal | undefined
  /** Of a `Request` that carries one. */
  readonly body?: ReadableStream<Uint8Array> | null
}

/** What `fetch` would make of its arguments. No `Request` is made where none was given: it costs as much as the rest of a request. */
function askedFor(input: RequestInfo | URL, init: RequestInit | undefined): Asked {
  if (input instanceof Request) {
    const { url, method, headers, signal, body } = new Request(input, init)
    return { url: new URL(url), method, headers, signal, body }
  }
  return {
    url: new URL(input),
    method: (init?.method ?? 'GET').toUpperCase(),
    headers: new Headers(init?.headers),
    signal: init?.signal ?? undefined,
  }
}

async function authorized(
  options: AuthorizedFetchOptions,
  request: Asked,
  access: Access | undefined,
): Promise<Headers> {
  const headers = new Headers(request.headers)
  if (!access) return headers
  headers.set('authorization', `${access.scheme} ${access.token}`)
  if (access.scheme === 'Bearer') return headers
  const nonce = options.nonces.get(request.url.origin)
  const key = await options.key()
  const proof = await key.proof({
    method: request.method,
    url: request.url.href,
    accessToken: access.token,
    ...(nonce === undefined ? {} : { nonce }),
  })
  headers.set('dpop', proof)
  return headers
}

/** The caller's time ran out while the token was awaited: the fault is the provider's, not the resource's. */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError'
}

function isWithin(url: URL, resource: URL): boolean {
  const path = resource.pathname.replace(/\/+$/, '')
  return url.origin === resource.origin && (url.pathname === path || url.pathname.startsWith(`${path}/`))
}

function isRepeatable(body: BodyInit): boolean {
  return (
    typeof body === 'string' ||
    body instanceof URLSearchParams ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body) ||
    body instanceof Blob
  )
}
