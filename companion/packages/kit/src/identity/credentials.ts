import type { IncomingMessage } from 'node:http'
import { EDGE_HEADERS, isIdentityHeader } from '@gatehouse/contracts'
import { AuthError } from '../tokens/auth-error.ts'

export type EdgeField = keyof typeof EDGE_HEADERS

/** What the headers of one request say of who sends it; none of it is verified. */
export interface Credentials {
  readonly authorization: string | undefined
  readonly dpop: string | undefined
  /** What the edge says; empty from anybody else. */
  readonly edge: ReadonlyMap<EdgeField, string>
}

const FIELD_OF_HEADER: ReadonlyMap<string, EdgeField> = new Map(
  (Object.keys(EDGE_HEADERS) as EdgeField[]).map((field) => [EDGE_HEADERS[field], field]),
)
/** Envoy sends it of its own accord; who calls is in the token alone. */
const NEVER_READ = 'x-forwarded-client-cert'
const NONE: Credentials['edge'] = new Map()

/**
 * Reads the headers as they came, since Node drops all but the first of some that are repeated, where a proxy may have looked at the last. A
 * header that says who calls is refused from anybody but the edge, in whatever spelling, and from the edge in all spellings but its own.
 * @throws AuthError `identity_header_refused`, `authorization_repeated`, `dpop_invalid`, `edge_identity_invalid`
 */
export function credentialsOf({ rawHeaders }: IncomingMessage, fromEdge: boolean, audience: string): Credentials {
  let authorization: string | undefined
  let dpop: string | undefined
  let edge: Map<EdgeField, string> | undefined
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    const value = rawHeaders[index + 1] ?? ''
    if (name === 'authorization') {
      if (authorization !== undefined)
        throw new AuthError('authorization_repeated', 'there is more than one Authorization header', audience)
      authorization = value
    } else if (name === 'dpop') {
      if (dpop !== undefined) throw new AuthError('dpop_invalid', 'there is more than one DPoP header', audience)
      dpop = value
    } else if (isIdentityHeader(name)) {
      const field = fromEdge ? FIELD_OF_HEADER.get(name) : undefined
      if (field) {
        edge ??= new Map()
        if (edge.has(field)) throw new AuthError('edge_identity_invalid', 'the edge says twice who calls', audience)
        edge.set(field, value)
      } else if (!(fromEdge && name === NEVER_READ)) {
        throw new AuthError('identity_header_refused', 'a client may not say in a header who it is', audience)
      }
    }
  }
  return { authorization, dpop, edge: edge ?? NONE }
}
