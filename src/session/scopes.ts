import type { Discovery } from './discovery.ts'
import type { SignInPolicy } from './policy.ts'
import { resourceScopes, stillNamed } from './resource-scopes.ts'

export interface ScopeSources {
  readonly discovery: Discovery
  readonly policy: SignInPolicy
  /** Of the resource's latest 401. */
  readonly challenged: readonly string[]
  /** Asked for at the sign-in that this one replaces. */
  readonly earlier: readonly string[]
  /** What servers have since refused for want of. */
  readonly needed: readonly string[]
}

/**
 * The scopes of an authorization request: those of the challenge, else those that the resource publishes, and to them what a step-up adds
 * to (MCP 2026-07-28, authorization, scope selection). `offline_access` goes along only where the provider lists it, or is an OpenID
 * provider that lists nothing; and the scopes that name resources, where the provider names them so.
 */
export function scopesToAsk({ discovery, policy, challenged, earlier, needed }: ScopeSources): readonly string[] {
  const { scopes_supported: listed } = discovery.server
  const openid = policy.identity === 'openid'
  const offline = listed ? listed.includes('offline_access') : openid
  const own = challenged.length > 0 ? challenged : discovery.scopes
  return [
    ...new Set([
      ...(openid ? ['openid'] : []),
      ...(offline ? ['offline_access'] : []),
      ...own,
      ...resourceScopes(listed ?? [], discovery.resource),
      ...stillNamed([...earlier, ...needed], listed),
    ]),
  ]
}
