/**
 * Providers that cannot be asked for a resource (RFC 8707) are asked for a scope of the resource's very name: the sign-in asks for all of
 * these, and a refresh for one (RFC 6749 section 6), which gives a token for that resource alone.
 */

/** Names that one sign-in asks for at most: they travel in an address, and servers cut long ones off. */
const MAX_NAMES = 40

/** Whether the provider names this resource by a scope. */
export function isNamed(scopes: readonly string[], resource: string): boolean {
  return scopes.includes(resource)
}

/**
 * The scopes that name resources, of those a provider publishes: none where the registry is not among them, since then they are for
 * something else.
 */
export function resourceScopes(published: readonly string[], registry: string): readonly string[] {
  if (!isNamed(published, registry)) return []
  const names = published.filter((scope) => scope !== registry && isResource(scope))
  return [registry, ...names].slice(0, MAX_NAMES)
}

/** Of what a sign-in was granted, what a token for this one resource needs. */
export function scopesFor(resource: string, granted: readonly string[]): readonly string[] {
  return [...granted.filter((scope) => !isResource(scope)), resource]
}

/** Without those that name a resource which the provider no longer names: it would refuse the whole sign-in for one of them. */
export function stillNamed(scopes: readonly string[], published: readonly string[] | undefined): readonly string[] {
  return scopes.filter((scope) => !isResource(scope) || (published?.includes(scope) ?? true))
}

function isResource(scope: string): boolean {
  return /^https?:\/\//.test(scope) && URL.canParse(scope)
}
