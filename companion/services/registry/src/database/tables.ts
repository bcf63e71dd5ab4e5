import type { ColumnType, Generated } from 'kysely'

/** `pg` gives bigint as text, since a JavaScript number cannot hold it. */
type BigInteger = ColumnType<string, string | number | bigint, string | number | bigint>
type Timestamp = ColumnType<Date, Date | string, Date | string>
/** Parsed with zod by whoever reads it; written as JSON text. */
type JsonColumn = ColumnType<unknown, string, string>

/** The newest version of each server: what lists, records and suspension are about. */
interface ServersTable {
  id: string
  name: string
  version: string
  /** Changes with every write, so that a reader knows which rows it already has. */
  revision: BigInteger
  record: JsonColumn
  /** Why the server is suspended; null when it is not. */
  suspension: string | null
  created_at: Generated<Timestamp>
  updated_at: Timestamp
}

/** Every version ever listed, the newest included; for the `/v0.1` API. */
interface ServerVersionsTable {
  server_id: string
  version: string
  record: JsonColumn
  published_at: Timestamp
  updated_at: Timestamp
}

interface SigningKeysTable {
  /** RFC 7638 thumbprint. */
  kid: string
  /** JWK with the private part. */
  jwk: JsonColumn
  created_at: Generated<Timestamp>
}

/** Append-only: a trigger refuses update, delete and truncate. */
interface AuditEventsTable {
  /** Place in the chain, from 1, without gaps. */
  sequence: BigInteger
  id: string
  at: Timestamp
  received_at: Timestamp
  server: string
  subject: string | null
  action: string
  outcome: string
  /** RFC 8785 text: exactly the bytes that the hash covers. */
  event: string
  previous_hash: string
  hash: string
}

export interface RegistryTables {
  servers: ServersTable
  server_versions: ServerVersionsTable
  signing_keys: SigningKeysTable
  audit_events: AuditEventsTable
}
