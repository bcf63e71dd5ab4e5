import { type Generated, type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'

/** The tables that the kit keeps in a server's own PostgreSQL schema. JSON is kept as text: `jsonb` refuses U+0000 and reorders keys. */
export interface LedgerTables {
  gatehouse_receipt: {
    /** The receipt's `jti`; its uniqueness is what makes a receipt single-use. */
    jti: string
    subject: string
    tool: string
    args_digest: string
    step: string
    consumed_at: Generated<Date>
    /** JSON of `StoredOutcome`; null while the write runs, and for ever if its process died. */
    outcome: string | null
    finished_at: Date | null
  }
  gatehouse_audit: {
    seq: Generated<string>
    id: string
    /** JSON of `AuditEvent`. */
    event: string
    recorded_at: Generated<Date>
    /** When the registry acknowledged it. */
    shipped_at: Date | null
    /** When the registry said that it will never take it, and why. */
    set_aside_at: Date | null
    set_aside_reason: string | null
  }
}

/** Brings the tables in `schema` up to date. Replicas that start together may all call it. @throws whatever the database says */
export async function migrateLedger(db: Kysely<LedgerTables>, schema: string): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => migrations(schema) },
    migrationTableSchema: schema,
    migrationTableName: 'gatehouse_ledger_migration',
    migrationLockTableName: 'gatehouse_ledger_migration_lock',
  })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw new Error('the migration of the ledger failed', { cause: error })
}

function migrations(schema: string): Record<string, Migration> {
  return {
    '0001-receipts-and-audit': {
      async up(db) {
        const tables = db.schema.withSchema(schema)
        await tables
          .createTable('gatehouse_receipt')
          .addColumn('jti', 'uuid', (column) => column.primaryKey())
          .addColumn('subject', 'text', (column) => column.notNull())
          .addColumn('tool', 'text', (column) => column.notNull())
          .addColumn('args_digest', 'text', (column) => column.notNull())
          .addColumn('step', 'uuid', (column) => column.notNull())
          .addColumn('consumed_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
          .addColumn('outcome', 'text')
          .addColumn('finished_at', 'timestamptz')
          .execute()
        await tables
          .createTable('gatehouse_audit')
          .addColumn('seq', 'bigint', (column) => column.primaryKey().generatedAlwaysAsIdentity())
          .addColumn('id', 'uuid', (column) => column.notNull().unique())
          .addColumn('event', 'text', (column) => column.notNull())
          .addColumn('recorded_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
          .addColumn('shipped_at', 'timestamptz')
          .execute()
        await tables
          .createIndex('gatehouse_audit_pending')
          .on('gatehouse_audit')
          .column('seq')
          .where(sql<boolean>`shipped_at is null`)
          .execute()
      },
    },
    '0002-set-aside': {
      async up(db) {
        await db.schema
          .withSchema(schema)
          .alterTable('gatehouse_audit')
          .addColumn('set_aside_at', 'timestamptz')
          .addColumn('set_aside_reason', 'text')
          .execute()
      },
    },
  }
}
