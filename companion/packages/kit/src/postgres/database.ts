import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely'
import pg from 'pg'
import { connectionError, DatabaseError, mapDatabaseError } from './database-error.ts'

export interface DatabaseOptions {
  /** Schema that unqualified names resolve to; made by `migrate`. Default `public`. */
  readonly schema?: string
  /** Longest run of one statement, milliseconds. Default 15,000. */
  readonly statementTimeout?: number
  /** Default 10. */
  readonly connections?: number
}

/**
 * A pool on `url` as Kysely; nothing connects before the first query. `destroy()` closes it.
 * Queries throw `DatabaseError` with code `database_unreachable` for everything that is not about the statement.
 * @throws DatabaseError `database_url` for a URL that is not PostgreSQL's
 */
export function openDatabase<Tables>(url: string, options: DatabaseOptions = {}): Kysely<Tables> {
  if (!/^postgres(ql)?:\/\//.test(url))
    throw new DatabaseError('database_url', 'DATABASE_URL must start with postgresql://')
  const schema = options.schema ?? 'public'
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(schema)) throw new DatabaseError('database_url', `not a schema name: ${schema}`)
  const pool = new pg.Pool({
    connectionString: url,
    max: options.connections ?? 10,
    connectionTimeoutMillis: 5000,
    idleTimeoutMillis: 30_000,
    statement_timeout: options.statementTimeout ?? 15_000,
    idle_in_transaction_session_timeout: 30_000,
    keepAlive: true,
    allowExitOnIdle: true,
    options: `-c search_path=${schema}`,
  })
  // An idle connection that the server closes must not end the process; the next query says it.
  pool.on('error', () => undefined)
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: guarded(pool) }) })
}

/** The pool with its errors mapped where they enter. */
function guarded(pool: pg.Pool): PostgresPool {
  const clients = new WeakMap<pg.PoolClient, PostgresPoolClient>()
  return {
    options: pool.options,
    end: () => pool.end(),
    async connect() {
      const client = await pool.connect().catch((error: unknown) => {
        throw connectionError(error)
      })
      // Kysely knows a connection by its client's identity.
      const known = clients.get(client) ?? guardedClient(client)
      clients.set(client, known)
      return known
    },
  }
}

function guardedClient(client: pg.PoolClient): PostgresPoolClient {
  client.on('error', () => undefined)
  const query = (text: string, values: readonly unknown[]) => mapped(client.query(text, [...values]))
  // The other overload takes a cursor, and no cursor class is configured.
  return { query: query as unknown as PostgresPoolClient['query'], release: (destroy) => client.release(destroy) }
}

async function mapped<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw mapDatabaseError(error)
  }
}
