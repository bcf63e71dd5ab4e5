import type { ProviderKeys } from './keys.ts'
import type { Store } from './store.ts'

export interface ProviderOptions {
  readonly issuer: string
  readonly store: Store
  readonly keys: ProviderKeys
  /** Only tokens for this audience may be exchanged; absent = for any. */
  readonly registry?: string
}
