import type { ListedServer } from '@gatehouse/contracts'

export interface CatalogProblem {
  /** Stable code: `registry_unreachable`, `registry_timeout`, `registry_not_a_registry`, `list_signature`, `list_expired`, `list_invalid`, … */
  readonly code: string
  readonly message: string
}

export type CatalogState =
  | { readonly kind: 'signed-out' }
  | { readonly kind: 'loading' }
  /** `problem` is set while the registry cannot be reached and the cached list is still within its signed life. */
  | {
      readonly kind: 'ready'
      readonly servers: readonly ListedServer[]
      /** Epoch milliseconds. */
      readonly fetchedAt: number
      readonly expiresAt: number
      /** Changes whenever the list does. */
      readonly version: string
      readonly problem?: CatalogProblem
    }
  /** No list that may be used: access is closed. */
  | { readonly kind: 'unavailable'; readonly problem: CatalogProblem }

export interface Catalog {
  state(): CatalogState
  onChange(listener: (state: CatalogState) => void): () => void
  /** Fetches now. Never throws for a registry fault: the state says what is wrong. */
  refresh(signal?: AbortSignal): Promise<CatalogState>
  /** The server if it is listed and allowed under an unexpired list, at this very moment. */
  find(id: string): (ListedServer & { access: 'allowed' }) | undefined
  dispose(): void
}
