import { SessionError } from './errors.ts'
import { endAfter } from './sign-in-end.ts'
import { type Granted, GrantRefused } from './token-endpoint.ts'
import type { StoredSession, Vault } from './vault.ts'

/** A grant, and the session as it is stored from now on. */
export interface Rotated {
  readonly granted: Granted
  readonly stored: StoredSession
}

/**
 * Runs `use` with the refresh token that is stored, and stores what comes back, before anyone else can use the old one (RFC 9700 section
 * 4.14.2). To be run under the issuer's lock. `undefined`: this person's session is no longer there.
 */
export async function rotate(
  { vault, registry, now }: { vault: Vault; registry: string; now: () => number },
  issuer: string,
  subject: string,
  use: (refreshToken: string) => Promise<Granted>,
): Promise<Rotated | undefined> {
  const before = await vault.session(issuer)
  if (!before || before.account.subject !== subject) return undefined
  if (before.refreshToken === undefined) throw new GrantRefused('invalid_grant')
  const granted = await use(before.refreshToken)
  if (granted.account && granted.account.subject !== subject) throw new SessionError('response_invalid')
  const isRotated = granted.refreshToken !== undefined && granted.refreshToken !== before.refreshToken
  const { end: known, ...rest } = before
  // A new token whose end the provider keeps to itself has no known end.
  const silent = isRotated ? undefined : known
  const end = granted.endsAt === undefined ? silent : endAfter(known, granted.endsAt, now())
  const stored = { ...rest, refreshToken: granted.refreshToken ?? before.refreshToken, ...(end && { end }) }
  if (isRotated || end !== known) await vault.save(registry, stored)
  return { granted, stored }
}
