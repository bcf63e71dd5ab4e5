import { z } from 'zod'

/**
 * The name of a workload: `spiffe://TRUST-DOMAIN/PATH` (SPIFFE-ID section 2). The trust domain is lower case, the path has at least one segment,
 * and no segment is empty, `.` or `..`. Two ids are the same when their texts are.
 */
export const SpiffeId = z
  .string()
  .max(2048)
  .regex(/^spiffe:\/\/[a-z0-9._-]{1,255}(\/(?!\.{1,2}(\/|$))[a-zA-Z0-9._-]+)+$/, 'must be a SPIFFE id with a path')
export type SpiffeId = z.infer<typeof SpiffeId>

/** @returns the trust domain's name, such as `company.example` */
export function trustDomainOf(id: SpiffeId): string {
  return id.slice('spiffe://'.length).split('/', 1)[0] ?? ''
}
