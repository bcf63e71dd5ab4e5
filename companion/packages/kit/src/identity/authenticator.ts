import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { Caller, SpiffeId, WorkloadCaller } from '@gatehouse/contracts'
import { BoundedMap } from '../bounded-map.ts'
import { SpiffeError } from '../spiffe/spiffe-error.ts'
import type { WorkloadIdentity } from '../spiffe/workload-identity.ts'
import { AuthError } from '../tokens/auth-error.ts'
import { createTokenVerifier, type TokenVerifierOptions } from '../tokens/verifier.ts'
import { type Credentials, credentialsOf } from './credentials.ts'
import { checkEdgeHeaders } from './edge-headers.ts'
import { claimsJwtSvid } from './jwt-svid-bearer.ts'
import type { Peer } from './peer.ts'

export interface AuthenticatorOptions extends TokenVerifierOptions {
  /** What stands in front of the server and verifies tokens; undefined: nothing does. */
  readonly edge: { readonly id: SpiffeId | undefined } | undefined
  /** By which JWT-SVIDs are verified; undefined: there are no workloads here. */
  readonly workloads: Pick<WorkloadIdentity, 'verifyJwt'> | undefined
}

/** A request as it came: who is at the other end, and what its headers say. Nothing of the latter is verified. */
export interface Presented {
  readonly method: string
  readonly peer: Peer
  readonly isEdge: boolean
  readonly credentials: Credentials
  /** Whose tokens that are no good count together: an address, or the person whom the edge names. */
  readonly sender: string | undefined
  /** Whether the token was found good before. */
  readonly known: boolean
  /** The address of who calls, for the audit; of a call through the edge, the one that the edge saw. */
  readonly from: string | undefined
}

export interface Authenticator {
  /** Cheap, whatever is in the request. @throws AuthError for an SVID that is no good, and for headers that no one may send */
  read(request: IncomingMessage, peer: Peer): Presented
  /** Who calls. @throws AuthError */
  verify(presented: Presented): Promise<Caller>
}

/** Workloads whose caller is kept: one object for one id, by which others may remember what they found out about it. */
const WORKLOADS = 1_000

/**
 * The one place that says who calls, from one of: an access token, which is verified here also where the edge has verified it before, and then
 * has to say what the edge says; an X.509-SVID of the connection; a JWT-SVID.
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { audience, issuer, edge, workloads } = options
  const tokens = createTokenVerifier(options)
  const callers = new BoundedMap<SpiffeId, WorkloadCaller>(WORKLOADS)

  function workload(spiffeId: SpiffeId): WorkloadCaller {
    const known = callers.get(spiffeId)
    if (known) return known
    const caller: WorkloadCaller = { kind: 'workload', spiffeId }
    callers.set(spiffeId, caller)
    return caller
  }

  function isEdge(peer: Peer): boolean {
    if (!edge) return false
    if (peer.kind === 'edge-socket') return true
    return peer.kind === 'mutual-tls' && peer.svid.kind === 'verified' && peer.svid.spiffeId === edge.id
  }

  async function jwtSvid(token: string): Promise<SpiffeId> {
    try {
      if (!workloads) throw new SpiffeError('svid_unavailable', 'workloads are not known here')
      return await workloads.verifyJwt(token, audience)
    } catch (error) {
      if (!(error instanceof SpiffeError)) throw error
      const code = error.code === 'workload_api_failed' ? 'svid_unavailable' : error.code
      throw new AuthError(code, error.message, audience)
    }
  }

  async function person({ method, isEdge, credentials }: Presented): Promise<Caller> {
    const { authorization, dpop, edge: vouched } = credentials
    if (isEdge && vouched.size === 0) throw new AuthError('token_missing', 'an access token is needed', audience)
    if (isEdge && authorization === undefined)
      throw new AuthError('edge_identity_invalid', 'the edge did not forward the access token', audience)
    const { caller, claims } = await tokens.verify({ method, url: audience, authorization, dpop })
    if (isEdge) checkEdgeHeaders(vouched, claims, audience)
    return caller
  }

  return {
    read(request, peer) {
      // First of all, so that an edge whose own identity is over is told so. One without any may yet have a JWT-SVID.
      if (peer.kind === 'mutual-tls' && peer.svid.kind === 'refused' && peer.svid.code !== 'svid_missing')
        throw new AuthError(peer.svid.code, peer.svid.message, audience)
      const fromEdge = isEdge(peer)
      const credentials = credentialsOf(request, fromEdge, audience)
      if (edge && peer.kind === 'anyone')
        throw new AuthError('edge_required', 'this server is called through its edge', audience)
      return {
        method: request.method ?? '',
        peer,
        isEdge: fromEdge,
        credentials,
        sender: fromEdge ? credentials.edge.get('user') : request.socket.remoteAddress,
        known: credentials.authorization === undefined || tokens.knows(credentials.authorization),
        from: fromEdge ? (seenByEdge(request) ?? 'edge') : request.socket.remoteAddress,
      }
    },
    async verify(presented) {
      const { peer, isEdge, credentials } = presented
      const svid = workloads && !presented.known && claimsJwtSvid(credentials.authorization, issuer)
      if (peer.kind === 'mutual-tls' && !isEdge) {
        if (peer.svid.kind === 'refused') {
          // Where a proxy is in the way no certificate arrives; behind an edge this port is the only one for workloads.
          if (svid) return workload(await jwtSvid(svid))
          throw new AuthError(peer.svid.code, peer.svid.message, audience)
        }
        if (credentials.authorization !== undefined)
          throw new AuthError('credentials_ambiguous', 'a workload has its certificate, and sends no token', audience)
        return workload(peer.svid.spiffeId)
      }
      if (!svid) return person(presented)
      if (credentials.edge.size > 0)
        throw new AuthError('edge_identity_invalid', 'the edge names a person for a workload', audience)
      return workload(await jwtSvid(svid))
    },
  }
}

/** The edge adds the address of its client at the end; what stands before is the client's own word. */
function seenByEdge({ headers }: IncomingMessage): string | undefined {
  const last = String(headers['x-forwarded-for'] ?? '')
    .split(',')
    .at(-1)
    ?.trim()
  return last && isIP(last) ? last : undefined
}
