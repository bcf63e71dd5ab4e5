import { isSecure } from '../http/address.ts'
import { SessionError } from './errors.ts'
import type { DeviceKey } from './types.ts'

export interface AuthorizedFetchOptions {
  readonly resource: string
  readonly fetch: typeof fetch
  tokenFor(resource: string, signal?: AbortSignal): Promise<{ token: string }>
  /** Drops this token if it is still the cached one. */
  reject(resource: string, token: string): void
  key(): Promise<DeviceKey>
  /** Latest DPoP nonce per origin (RFC 9449 section 8.2). */
  readonly nonces: Map<string, string>
}

/**
 * A `fetch` for one resource: adds a DPoP-bound token and its proof, repeats once with the nonce a server asks for and once with a fresh
 * token after a 401. Both refusals come before any effect, so repeating is safe; a body that can be read only once is not repeated. The
 * token never leaves for another address, and redirects are not followed.
 */
export function authorizedFetch(options: AuthorizedFetchOptions): typeof fetch {
  const { resource, nonces } = options
  return async (input, init) => {
    const request = new Request(input, init)
    const url = new URL(request.url)
    if (!isSecure(url) || !isWithin(url, new URL(resource)))
      throw new SessionError('wrong_resource', { detail: url.host })
    const body = init?.body ?? undefined
    const repeatable = body === undefined ? request.body === null : isRepeatable(body)
    let mayRenew = repeatable
    let mayNonce = repeatable
    for (;;) {
      const { token } = await options.tokenFor(resource, request.signal).catch((error: unknown) => {
        throw isTimeout(error) ? new SessionError('issuer_unreachable', { detail: 'no answer in time' }) : error
      })
      const nonce = nonces.get(url.origin)
      const key = await options.key()
      const headers = new Headers(request.headers)
      headers.set('authorization', `DPoP ${token}`)
      headers.set(
        'dpop',
        await key.proof({
          method: request.method,
          url: request.url,
          accessToken: token,
          ...(nonce === undefined ? {} : { nonce }),
        }),
      )
      const response = await options.fetch(request.url, {
        ...init,
        method: request.method,
        headers,
        ...(body === undefined && request.body ? { body: request.body, duplex: 'half' as const } : {}),
        redirect: 'manual',
        signal: request.signal,
      })
      const fresh = response.headers.get('dpop-nonce')
      if (fresh) nonces.set(url.origin, fresh)
      if (response.status !== 401) return response
      if (mayNonce && fresh && wantsNonce(response)) {
        mayNonce = false
      } else if (mayRenew) {
        mayRenew = false
        options.reject(resource, token)
      } else {
        return response
      }
      await response.body?.cancel()
    }
  }
}

/** The caller's time ran out while the token was awaited: the fault is the provider's, not the resource's. */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError'
}

/** RFC 9449 section 9. */
function wantsNonce(response: Response): boolean {
  return /\bDPoP\b.*error="?use_dpop_nonce"?/i.test(response.headers.get('www-authenticate') ?? '')
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
