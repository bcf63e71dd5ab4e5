import type { SurfaceName } from '@gatehouse/contracts'

/** Who may use a tool, a prompt or a resource, beyond what the server's record already demands. Neither widens the other. */
export interface AccessPolicy {
  /** The caller needs at least one of these; omitted, the record's groups alone decide. */
  readonly groups?: readonly string[]
  /** Where calls may come from; omitted, the record's surfaces alone decide. */
  readonly surfaces?: readonly SurfaceName[]
}
