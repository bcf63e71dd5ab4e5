/**
 * Headers by which the edge tells a server who calls, from the claims of a token that it has verified. A server believes them only from the
 * edge itself: over mutual TLS with the edge's SPIFFE id, or over a Unix socket. From anyone else their mere presence is refused.
 */
export const EDGE_HEADERS = {
  /** `sub` */
  user: 'x-forwarded-user',
  /** `groups`: JSON array, base64url, as Envoy writes a claim that is a list. */
  groups: 'x-forwarded-groups',
  /** `client_id` */
  client: 'x-forwarded-client-id',
  /** `exp`, seconds since the epoch. */
  expires: 'x-forwarded-token-expires',
  /** `cnf.jkt`, RFC 7638; absent for a token that is not bound. */
  thumbprint: 'x-forwarded-key-thumbprint',
} as const

/** Of the same family, set by no one here: whoever sends one tries to be somebody. */
export const FOREIGN_IDENTITY_HEADERS: readonly string[] = [
  'x-forwarded-client-cert',
  'x-forwarded-email',
  'x-forwarded-preferred-username',
  'x-forwarded-access-token',
  'x-auth-request-user',
  'x-auth-request-groups',
  'x-auth-request-email',
  'x-remote-user',
  'x-remote-groups',
  'x-authenticated-user',
  'remote-user',
]

const IDENTITY = new Set([...Object.values(EDGE_HEADERS), ...FOREIGN_IDENTITY_HEADERS])

/** Whether a header of this name, in any case and with `_` or `.` for `-`, claims to say who calls. */
export function isIdentityHeader(name: string): boolean {
  return IDENTITY.has(name.trim().toLowerCase().replaceAll(/[_.]/g, '-'))
}
