import { isDeepStrictEqual } from 'node:util'
import type { AccessTokenClaims } from '../tokens/access-token.ts'
import { AuthError } from '../tokens/auth-error.ts'
import type { Credentials, EdgeField } from './credentials.ts'

/** Claims whose list the edge repeated as it should have, in the very text of the header; so it is read once for a token. */
const GROUPS = new WeakMap<AccessTokenClaims, string>()

/**
 * What the edge says must be what the token that it forwards says: it verified that token and no other. A claim that the token has not is in
 * no header.
 * @throws AuthError `edge_identity_invalid`
 */
export function checkEdgeHeaders(edge: Credentials['edge'], claims: AccessTokenClaims, audience: string): void {
  const differs = (field: EdgeField): never => {
    throw new AuthError('edge_identity_invalid', `what the edge says differs from the token (${field})`, audience)
  }
  if (text(edge.get('user')) !== claims.sub) differs('user')
  // A provider without the claim `client_id` names the client in `azp`, which the edge does not repeat.
  const client = text(edge.get('client'))
  if (claims.client_id === undefined ? client !== undefined && client !== claims.azp : client !== claims.client_id)
    differs('client')
  if (!sameTime(edge.get('expires'), claims.exp)) differs('expires')
  if (edge.get('thumbprint') !== claims.cnf?.jkt) differs('thumbprint')
  const groups = edge.get('groups')
  if (groups === undefined ? claims.groups !== undefined : GROUPS.get(claims) !== groups) {
    if (groups === undefined || !isDeepStrictEqual(listOf(groups), claims.groups)) differs('groups')
    else GROUPS.set(claims, groups)
  }
}

/** Node reads headers as ISO 8859-1; the edge writes the claim as it is, in UTF-8. */
function text(header: string | undefined): string | undefined {
  return header === undefined ? undefined : Buffer.from(header, 'latin1').toString('utf8')
}

function sameTime(header: string | undefined, time: number): boolean {
  return header !== undefined && /^\d{1,15}$/.test(header) && Number(header) === time
}

/** JSON in base64, as Envoy writes a claim that is a list; undefined for what is none. */
function listOf(header: string): unknown {
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(header)) return undefined
  try {
    return JSON.parse(Buffer.from(header, 'base64').toString('utf8'))
  } catch {
    return undefined
  }
}
