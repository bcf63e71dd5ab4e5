import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { DatabaseError, mapDatabaseError } from './database-error.ts'

/**
 * Brings `schema` to the newest of `migrations` (run in order of their names), under an advisory lock,
 * so that replicas starting together do it once. A version newer than this program is left alone and refused.
 * @throws DatabaseError `database_unreachable`, `migration_failed`
 */
export async function migrate<Tables>(
  database: Kysely<Tables>,
  migrations: Readonly<Record<string, Migration>>,
  schema = 'public',
): Promise<void> {
  await database.connection().execute(async (connection) => {
    const lock = sql`hashtextextended(${`gatehouse migrations ${schema}`}, 0)`
    await sql`select pg_advisory_lock(${lock})`.execute(connection)
    try {
      await sql`create schema if not exists ${sql.id(schema)}`.execute(connection)
      const migrator = new Migrator({
        db: connection,
        migrationTableSchema: schema,
        provider: { getMigrations: async () => ({ ...migrations }) },
      })
      const { error } = await migrator.migrateToLatest()
      if (error !== undefined) throw failure(error)
    } finally {
      await sql`select pg_advisory_unlock(${lock})`.execute(connection)
    }
  })
}

function failure(error: unknown): unknown {
  const mapped = mapDatabaseError(error)
  if (mapped instanceof DatabaseError && mapped.code === 'database_unreachable' && error instanceof DatabaseError)
    return mapped
  return new DatabaseError('migration_failed', 'the database could not be brought to the version of this program', {
    cause: error,
  })
}
