import { z } from 'zod'
import { SpiffeId } from './spiffe-id.ts'

/** Where a call comes from. Decided by the authenticated client's registration, never by a header. */
export const SurfaceName = z.enum(['ide', 'team-chat', 'cli', 'web', 'service'])
export type SurfaceName = z.infer<typeof SurfaceName>

export const UserCaller = z.object({
  kind: z.literal('user'),
  subject: z.string().min(1).max(256),
  groups: z.array(z.string().max(128)).max(1000),
  /** Claim `roles` of the token; absent: none. */
  roles: z.array(z.string().max(128)).max(1000).optional(),
  /** What the token is for (RFC 6749 section 3.3); absent: nothing in particular. */
  scopes: z.array(z.string().max(256)).max(200).optional(),
  /** OAuth client id of the client that presented the token. */
  client: z.string().min(1).max(256),
  surface: SurfaceName,
  /** Where in a surface that has channels; said by the client under its signature, never by a header. */
  channel: z.string().min(1).max(128).optional(),
  /** RFC 7638 thumbprint of the key that the token is bound to (`cnf.jkt`). */
  keyThumbprint: z.string().max(64).optional(),
})
export type UserCaller = z.infer<typeof UserCaller>

export const WorkloadCaller = z.object({ kind: z.literal('workload'), spiffeId: SpiffeId })
export type WorkloadCaller = z.infer<typeof WorkloadCaller>

export const Caller = z.discriminatedUnion('kind', [UserCaller, WorkloadCaller])
export type Caller = z.infer<typeof Caller>
