import { digestOf, type ListedServer } from '@gatehouse/contracts'

export interface ListVersion {
  readonly subject: string
  readonly client: string
  readonly channel: string | undefined
  readonly kid: string
  readonly servers: readonly ListedServer[]
}

/**
 * Strong entity tag (RFC 9110 section 8.8.3) over what the list says, not over its times, plus a window of half the list's life: a client
 * that is told 304 keeps a signature with at least half of its life left, and past the window gets a fresh one.
 * @param life seconds
 * @param now seconds since the epoch
 */
export function listEtag(version: ListVersion, life: number, now: number): string {
  const window = Math.floor(now / Math.max(1, Math.ceil(life / 2)))
  return `"${digestOf({ ...version, channel: version.channel ?? null, life, window }).slice('sha256:'.length)}"`
}

/** RFC 9110 section 13.1.2: weak comparison against any of the tags, or `*`. */
export function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag)
}
