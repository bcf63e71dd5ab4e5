import { z } from 'zod'
import { SurfaceName } from './caller.ts'
import { type Digest, digestOf } from './digest.ts'
import { SpiffeId } from './spiffe-id.ts'

const Names = z.array(z.string().min(1).max(128)).max(1000).readonly()

/** One scope (RFC 6749 section 3.3): it stands in a header between quotes. */
const ScopeToken = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/)

/** What one argument of a call may be, for whom. */
export const ArgumentCondition = z.strictObject({
  /** Patterns in which `*` stands for any text; the argument, if given, must match one. An array or object never does. */
  like: z.array(z.string().max(512)).max(1000).readonly(),
  /** Whoever is in one of these groups may pass anything. */
  unlessGroups: Names.optional(),
})
export type ArgumentCondition = z.infer<typeof ArgumentCondition>

/** Who may use a tool, a prompt or a resource, beyond what the server's record already demands. Neither widens the other. */
export const AccessPolicy = z.strictObject({
  /** The caller needs at least one of these; omitted, the record's groups alone decide. */
  groups: Names.optional(),
  /** The caller needs at least one of these roles (claim `roles`). */
  roles: Names.optional(),
  /**
   * The token needs every one of these scopes (RFC 6749 section 3.3). A scope says what a token is for and not who may: what lacks one is listed, and
   * its call is refused with `insufficient_scope`, so that the client can ask for a wider token.
   */
  scopes: z.array(ScopeToken).max(1000).readonly().optional(),
  /** Where calls may come from; omitted, the record's surfaces alone decide. */
  surfaces: z.array(SurfaceName).readonly().optional(),
  /** In which channels of a surface that has channels; omitted, the record's channels alone decide. */
  channels: Names.optional(),
  /** Which workloads may use it: these, or those that the record names. Omitted, none. What may write is open to none, whatever stands here. */
  workloads: z.union([z.literal('recorded'), z.array(SpiffeId).max(1000).readonly()]).optional(),
  /** Conditions on the arguments of a call, by the argument's name. They hold at the call alone. */
  arguments: z.record(z.string().max(128), ArgumentCondition).readonly().optional(),
})
export type AccessPolicy = z.infer<typeof AccessPolicy>

const Policies = z.record(z.string().max(128), AccessPolicy).readonly()

/** All that a server's team wrote of who may do what with it. Reviewers sign its digest; the registry decides by it as the server does. */
export const ServerPolicy = z.strictObject({
  /** By the names of the tools. */
  tools: Policies,
  prompts: Policies,
  resources: Policies,
  /** The server's own Cedar policies. */
  cedar: z
    .string()
    .max(256 * 1024)
    .optional(),
  /** What the server's own Cedar schema adds to the kit's. */
  cedarSchema: z
    .string()
    .max(64 * 1024)
    .optional(),
})
export type ServerPolicy = z.infer<typeof ServerPolicy>

/** `sha256:` over RFC 8785 canonical JSON. */
export function policyDigest(policy: ServerPolicy): Digest {
  return digestOf(ServerPolicy.parse(policy))
}
