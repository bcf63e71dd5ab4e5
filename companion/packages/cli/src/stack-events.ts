import type { ServerAddress } from './addresses.ts'
import type { StackEdgeEvent } from './edge/stack-edge.ts'
import type { ServiceEvent } from './service.ts'

interface LocalPerson {
  readonly user: string
  readonly name: string
  readonly role: string
  readonly groups: readonly string[]
}

export interface ReadyEvent {
  readonly kind: 'ready'
  readonly registry?: string
  readonly issuer: string
  /** By server id; `url` is the MCP endpoint. */
  readonly servers: Readonly<Record<string, ServerAddress>>
  /** Origin of the edge in front of the servers, with `--edge`. */
  readonly edge?: { readonly url: string }
  readonly people: readonly LocalPerson[]
  /** Everyone's, at the local identity provider. */
  readonly password: string
}

/** What `gatehouse up --json` prints, one per line. */
export type StackEvent =
  | ServiceEvent
  | StackEdgeEvent
  /** Something is fetched that takes its time, once. */
  | { readonly kind: 'installing'; readonly message: string }
  | { readonly kind: 'database'; readonly where: 'embedded' | 'DATABASE_URL' }
  | { readonly kind: 'listed'; readonly server: string; readonly status: string; readonly reason?: string }
  | ReadyEvent
  | { readonly kind: 'stopping' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'error'; readonly code: string; readonly message: string }
