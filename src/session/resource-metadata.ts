import { z } from 'zod'
import { HttpError } from '../http/bounded-fetch.ts'
import { SessionError } from './errors.ts'
import { jsonOf, jsonRequest } from './json-answer.ts'
import { wellKnown } from './registry-url.ts'

/** RFC 9728 section 2, the members we use, and our own `gatehouse_client_id`. */
const ResourceMetadata = z.object({
  resource: z.string(),
  authorization_servers: z.array(z.url()).min(1),
  scopes_supported: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/))
    .max(20)
    .optional(),
  gatehouse_client_id: z.string().min(1).max(256).optional(),
})
export type ResourceMetadata = z.infer<typeof ResourceMetadata>

/** Where metadata may be, and the resource that it must name there (RFC 9728 section 3.3). */
interface Place {
  readonly url: string
  readonly resource: string
}

const NAME = 'oauth-protected-resource'

/**
 * Metadata of a protected resource: from the place that it named in a challenge, else from its well-known place.
 * @param hint `resource_metadata` of a challenge. One on another origin is passed over: a resource may not send us round the network.
 * @param root whether the origin's own metadata does where the resource has none of its own
 * @throws SessionError `registry_unreachable`, `registry_timeout`, `registry_not_a_registry`
 */
export async function resourceMetadata(
  resource: string,
  fetch: typeof globalThis.fetch,
  options: { hint?: string | undefined; root: boolean; signal?: AbortSignal | undefined },
): Promise<ResourceMetadata> {
  let words = 'it publishes no metadata'
  for (const place of placesOf(resource, options.hint, options.root)) {
    const response = await ask(place.url, fetch, options.signal)
    const json = await jsonOf(response)
    words = wordsFor(response)
    if (json === undefined) continue
    const metadata = ResourceMetadata.safeParse(json)
    if (!metadata.success) continue
    // RFC 9728 section 3.3: metadata of another resource must not be used.
    if (metadata.data.resource !== place.resource) {
      throw new SessionError('registry_not_a_registry', { detail: 'its metadata is that of another address' })
    }
    return metadata.data
  }
  throw new SessionError('registry_not_a_registry', { detail: words })
}

function placesOf(resource: string, hint: string | undefined, root: boolean): Place[] {
  const { origin } = new URL(resource)
  const own = { url: wellKnown(resource, NAME), resource }
  const roots = root && own.url !== wellKnown(origin, NAME) ? [{ url: wellKnown(origin, NAME), resource: origin }] : []
  const known = [own, ...roots]
  if (hint === undefined || !URL.canParse(hint) || new URL(hint).origin !== origin) return known
  const { href } = new URL(hint)
  return [known.find(({ url }) => url === href) ?? { url: href, resource }, ...known.filter(({ url }) => url !== href)]
}

async function ask(url: string, fetch: typeof globalThis.fetch, signal?: AbortSignal): Promise<Response> {
  let response: Response
  try {
    response = await fetch(url, jsonRequest(signal))
  } catch (error) {
    throw registryFault(error)
  }
  if (response.status >= 500) {
    throw new SessionError('registry_unreachable', { detail: `it answered with status ${response.status}` })
  }
  return response
}

function registryFault(error: unknown): unknown {
  if (!(error instanceof HttpError)) return error
  const options = { detail: error.message, cause: error }
  switch (error.code) {
    case 'http_timeout':
      return new SessionError('registry_timeout', options)
    case 'http_redirect':
    case 'http_too_large':
      return new SessionError('registry_not_a_registry', options)
    default:
      return new SessionError('registry_unreachable', options)
  }
}

function wordsFor(response: Response): string {
  const type = response.headers.get('content-type') ?? ''
  if (/^text\/html\b/i.test(type)) return 'a web page answers there'
  if (response.status !== 200) return `it answered with status ${response.status}`
  return 'its answer is not protected-resource metadata'
}
