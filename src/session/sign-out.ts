import type { ClientIdentity } from './client-identity.ts'
import type { BoundKey } from './device-key.ts'
import { SessionError } from './errors.ts'
import type { IssuerLock } from './issuer-lock.ts'
import type { KeyRing } from './key-ring.ts'
import type { Provider } from './provider.ts'
import type { Log } from './types.ts'
import type { StoredSession, Vault } from './vault.ts'

/** How long sign-out waits for another window, and how long for the provider, milliseconds. */
const PATIENCE = 5_000

export interface SignOutParts {
  readonly vault: Vault
  readonly keys: KeyRing
  readonly provider: Provider
  readonly locked: IssuerLock
  readonly log: Log
  /** Of the window. */
  readonly disposal: AbortSignal
}

/** What was there, for the provider to be told. */
export interface Erased {
  readonly session: StoredSession | undefined
  readonly key: BoundKey | undefined
}

/** Erases everything that is kept of an issuer. */
export async function eraseAll({ vault, keys, locked }: SignOutParts, issuer: string): Promise<Erased> {
  const erase = async (): Promise<StoredSession | undefined> => {
    const stored = await vault.session(issuer)
    await vault.erase(issuer)
    return stored
  }
  const key = await keys.of(issuer).catch(() => undefined)
  // A refresh in another window would store its new token after we erased the old one, so wait for it; but not for long.
  const session = await locked(issuer, erase, PATIENCE).catch((error: unknown) => {
    if (error instanceof SessionError && error.code === 'session_busy') return erase()
    throw error
  })
  await vault.eraseKey(issuer)
  await vault.eraseClient(issuer)
  keys.close()
  return { session, key }
}

/** RFC 7009. Where the provider cannot be told, its session runs out by itself. */
export async function revoke(
  parts: SignOutParts,
  issuer: string,
  session: StoredSession,
  key: BoundKey,
): Promise<void> {
  if (session.refreshToken === undefined) return
  const { provider, disposal, log } = parts
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(PATIENCE), disposal])
    const discovery = await provider.discover(signal)
    if (discovery.issuer !== issuer) return
    const endpoint = await provider.open(discovery, clientOf(session), key)
    await endpoint.revoke(session.refreshToken, signal)
  } catch {
    log.warn('the identity provider could not be told of the sign-out; its session runs out by itself')
  }
}

export function clientOf({ clientId, clientSecret }: StoredSession): ClientIdentity {
  return { id: clientId, secret: clientSecret }
}
