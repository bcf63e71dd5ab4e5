import { GatehouseError } from '@gatehouse/contracts'
import { clockDifference, inWords } from '../http/clock.ts'
import { boundedFetch, HttpError } from '../http/bounded-fetch.ts'
import { CatalogError } from './errors.ts'

/** A list of 5,000 servers with their tools; far above what a registry holds. */
const LIST_BYTES = 16 * 1024 * 1024
const KEYS_BYTES = 64 * 1024

export interface RegistryClientOptions {
  readonly registryUrl: string
  /** Adds the signed-in person's token for the registry. */
  readonly fetch: typeof fetch
  /** For what needs no token. */
  readonly publicFetch?: typeof fetch
  /** Milliseconds. Default 10,000. */
  readonly timeLimit?: number
  /** Epoch milliseconds. */
  readonly now?: () => number
}

type ListAnswer =
  | { readonly kind: 'list'; readonly jws: string; readonly etag?: string }
  | { readonly kind: 'unchanged' }

/** The two calls of the registry's API that the catalog makes. @throws CatalogError, or the session's errors */
export interface RegistryClient {
  list(etag: string | undefined, signal: AbortSignal): Promise<ListAnswer>
  /** The JWKS as it came; read by `keys.ts`. */
  keys(signal: AbortSignal): Promise<unknown>
}

export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const now = options.now ?? Date.now
  const limits = options.timeLimit === undefined ? {} : { timeLimit: options.timeLimit }
  const authorized = boundedFetch({ ...limits, fetch: options.fetch, sizeLimit: LIST_BYTES })
  const open = boundedFetch({
    ...limits,
    ...(options.publicFetch ? { fetch: options.publicFetch } : {}),
    sizeLimit: KEYS_BYTES,
  })
  return {
    list: async (etag, signal) => {
      const headers: Record<string, string> = { accept: 'application/jwt' }
      if (etag !== undefined) headers['if-none-match'] = etag
      const response = await asRegistry(() =>
        authorized(`${options.registryUrl}/gatehouse/v1/list`, { headers, signal }),
      )
      if (response.status === 304 && etag !== undefined) return { kind: 'unchanged' }
      const jws = await bodyOf(response, now, /^application\/jwt\b/i)
      const tag = response.headers.get('etag')
      return { kind: 'list', jws: jws.trim(), ...(tag === null ? {} : { etag: tag }) }
    },
    keys: async (signal) => {
      const headers = { accept: 'application/json' }
      const response = await asRegistry(() => open(`${options.registryUrl}/gatehouse/v1/keys`, { headers, signal }))
      const text = await bodyOf(response, now, /^application\/([a-z0-9.+-]+\+)?json\b/i)
      try {
        return JSON.parse(text) as unknown
      } catch {
        throw new CatalogError('registry_not_a_registry', { detail: 'its keys are not JSON' })
      }
    },
  }
}

async function bodyOf(response: Response, now: () => number, type: RegExp): Promise<string> {
  const { status } = response
  const clock = status === 401 ? clockDifference(response, now()) : undefined
  if (clock !== undefined) throw new CatalogError('clock_wrong', { detail: inWords(clock) })
  if (status === 401 || status === 403) throw new CatalogError('list_refused', { detail: `status ${status}` })
  if (status >= 500 || status === 429) throw new CatalogError('registry_unreachable', { detail: `status ${status}` })
  if (status !== 200) throw new CatalogError('registry_not_a_registry', { detail: `status ${status}` })
  if (!type.test(response.headers.get('content-type') ?? '')) {
    throw new CatalogError('registry_not_a_registry', { detail: 'a web page or something else came back' })
  }
  return response.text()
}

async function asRegistry(send: () => Promise<Response>): Promise<Response> {
  try {
    return await send()
  } catch (cause) {
    if (!(cause instanceof HttpError)) throw cause
    throw new CatalogError(codeFor(cause), { cause, detail: cause.message } satisfies ErrorOptions & { detail: string })
  }
}

function codeFor(error: HttpError & GatehouseError) {
  switch (error.code) {
    case 'http_timeout':
      return 'registry_timeout'
    case 'http_redirect':
    case 'http_too_large':
      return 'registry_not_a_registry'
    default:
      return 'registry_unreachable'
  }
}
