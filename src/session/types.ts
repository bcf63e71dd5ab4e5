import type { JWK } from 'jose'

/** Secrets at rest: the operating system's keychain, or the editor's SecretStorage where there is none (AUTH-3). */
export interface SecretStore {
  /** For the person: where secrets are kept on this machine. */
  readonly label: string
  get(key: string): Promise<string | undefined>
  set(key: string, value: string): Promise<void>
  delete(key: string): Promise<void>
  /** Where the store can tell: another window changed `key`. Where it cannot, the session looks by itself. */
  onChange?(listener: (key: string) => void): () => void
}

/** What the session and the catalog say to a log; a `vscode.LogOutputChannel` is one. Messages never hold a secret. */
export interface Log {
  info(message: string): void
  warn(message: string): void
}

export interface Account {
  /** OIDC `sub`. */
  readonly subject: string
  readonly name: string
  readonly groups: readonly string[]
  readonly issuer: string
}

export type SessionState =
  /** The store has not been read yet; lasts milliseconds, and never longer than the keychain's time limit. */
  | { readonly kind: 'restoring' }
  /** `reason` is for the person: why a session ended that they did not end themselves. */
  | { readonly kind: 'signed-out'; readonly reason?: string; readonly code?: 'session_ended' }
  | { readonly kind: 'signing-in' }
  | {
      readonly kind: 'signed-in'
      readonly account: Account
      /** Present from some time before the sign-in ends and nothing but a person can renew it. Epoch milliseconds. */
      readonly endsAt?: number
    }

/** The device's ES256 key: DPoP proofs (RFC 9449) and approval receipts are signed with it. The private part never leaves the store. */
export interface DeviceKey {
  /** RFC 7638 thumbprint, the `cnf.jkt` of every access token. */
  readonly thumbprint: string
  readonly publicJwk: JWK
  /** Compact JWS over `claims`, ES256, with `typ` and `jwk` in the header. */
  sign(typ: string, claims: Readonly<Record<string, unknown>>): Promise<string>
  proof(request: { method: string; url: string; accessToken?: string; nonce?: string }): Promise<string>
}

export interface Session {
  state(): SessionState
  /** Settles when the state has left `restoring`; never rejects. */
  readonly restored: Promise<void>
  /** OAuth client id: the audience of the signed approved list. */
  clientId(): string
  onChange(listener: (state: SessionState) => void): () => void
  /** Whole sign-in in the system browser. @throws SessionError `sign_in_cancelled`, `issuer_unreachable`, `discovery_failed`, `state_mismatch`, … */
  signIn(signal: AbortSignal): Promise<Account>
  /** Revokes (RFC 7009) and erases, in this window and, through the secret store, every other. */
  signOut(): Promise<void>
  /**
   * Audience-restricted access token for one resource, from memory, or by silent token exchange (RFC 8693). `expiresAt` in epoch milliseconds.
   * @throws SessionError `signed_out`, `session_ended`, `issuer_unreachable`, `resource_refused`, `keychain_unavailable`, …
   */
  tokenFor(resource: string, signal?: AbortSignal): Promise<{ token: string; expiresAt: number }>
  /** Drops the cached token of a resource after a 401, so that the next `tokenFor` fetches another. */
  forget(resource: string): void
  deviceKey(): Promise<DeviceKey>
  /** `fetch` that adds `Authorization: DPoP …` and a proof, retries once on a nonce challenge and once after a 401. */
  fetchFor(resource: string): typeof fetch
  dispose(): void
}
