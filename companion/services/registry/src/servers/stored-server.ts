import type { ServerRecord } from '@gatehouse/contracts'

/** A server as the registry holds it: its newest version. */
export interface StoredServer {
  readonly record: ServerRecord
  /** Why it is suspended, in the words of who did it. */
  readonly suspension: string | undefined
}

/** One version of a server, newest or not. */
export interface StoredVersion {
  readonly record: ServerRecord
  readonly publishedAt: Date
  readonly updatedAt: Date
  readonly isLatest: boolean
}
