import { GatehouseError } from '@gatehouse/contracts'
import pg from 'pg'

/** The database cannot be used now: `database_unreachable`. Whoever asked gets 503, never wider access. */
export class DatabaseError extends GatehouseError {}

/**
 * SQLSTATE classes and codes that mean "not now" or "not with this URL", as opposed to a fault in the statement:
 * 08 connection, 28 authorisation, 53 resources, 57 operator intervention, 3D000 no such database, 25006 read-only standby.
 */
const UNUSABLE = /^(08|28|53|57)|^3D000$|^25006$/

/** Whatever keeps a connection from being made: network, credentials, a full or closed server. */
export function connectionError(cause: unknown): DatabaseError {
  const state = cause instanceof pg.DatabaseError && cause.code ? `: SQLSTATE ${cause.code}` : ''
  return new DatabaseError('database_unreachable', `the database cannot be reached${state}`, { cause })
}

/** Maps what `pg` throws for a statement. Only an error that the server itself reported (with a SQLSTATE) can be about the statement. */
export function mapDatabaseError(error: unknown): unknown {
  if (error instanceof GatehouseError) return error
  if (error instanceof pg.DatabaseError && !UNUSABLE.test(error.code ?? '')) return error
  return connectionError(error)
}
