import type { RegisteredClient } from './client-identity.ts'
import type { SignInPolicy } from './policy.ts'
import type { RedirectFactory } from './redirect/redirect.ts'
import type { Log, SecretStore } from './types.ts'

export interface SessionOptions {
  readonly registryUrl: string
  readonly secrets: SecretStore
  readonly openExternal: (url: string) => Promise<boolean>
  readonly redirects: RedirectFactory
  /** A server refused for want of a scope that the next sign-in will ask for. Said once for a scope, to whoever can offer the person that sign-in. */
  readonly onScopeNeeded?: () => void
  /** Shared by all windows of this machine, for locks and signals; never holds a secret. */
  readonly folder: string
  /** Wins over what the registry names. */
  readonly client?: RegisteredClient
  /** Address of this editor's client ID metadata document, for providers that read such. */
  readonly clientMetadataUrl?: string
  /** Default: Gatehouse's own, the strictest. */
  readonly policy?: SignInPolicy
  readonly fetch?: typeof fetch
  /** Epoch milliseconds. */
  readonly now?: () => number
  readonly log: Log
  /** How often the store is looked at for what another window did, should its signal have been missed, milliseconds. Default 30,000. */
  readonly lookEvery?: number
  /** How long before its end a sign-in that cannot be renewed silently says so, milliseconds; asked whenever it counts. Default 15 minutes. */
  readonly warnBefore?: () => number
  /** How long a person may take to sign in, milliseconds. Default 10 minutes. */
  readonly signInLimit?: number
}
