import type { DuckDBConnection } from '@duckdb/node-api'
import { z } from 'zod'
import type { TableName } from '../sql/names.ts'
import type { ColumnFacts, TableFacts } from './backend.ts'

const Text = z.string().nullable()
const TableRow = z.tuple([
  z.string(),
  z.string(),
  z.enum(['table', 'view']),
  Text,
  Text,
  z.array(z.string()).nullable(),
  Text,
  Text,
])
const ColumnRow = z.tuple([z.string(), z.string(), z.string(), z.string(), z.boolean(), Text])

/** `meta.table_facts` holds what DuckDB has no place for: owner, partition keys, and when the data last changed. */
const TABLES = `
  SELECT schema_name, table_name, kind, comment, owner, partitioned_by, rows, strftime(updated_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS updated_at
  FROM (
    SELECT schema_name, table_name, 'table' AS kind, comment, estimated_size::VARCHAR AS rows FROM duckdb_tables() WHERE database_name = $catalog
    UNION ALL
    SELECT schema_name, view_name, 'view', comment, NULL FROM duckdb_views() WHERE database_name = $catalog AND NOT internal
  )
  LEFT JOIN meta.table_facts AS facts USING (schema_name, table_name)
  ORDER BY ALL`
const COLUMNS = `
  SELECT schema_name, table_name, column_name, data_type, is_nullable, comment
  FROM duckdb_columns() WHERE database_name = $catalog AND NOT internal
  ORDER BY schema_name, table_name, column_index`

export async function readTables(
  connection: DuckDBConnection,
  catalog: string,
  schemas: readonly string[],
): Promise<readonly TableFacts[]> {
  const tables = z.array(TableRow).parse(await rowsOf(connection, TABLES, catalog))
  const columns = z.array(ColumnRow).parse(await rowsOf(connection, COLUMNS, catalog))
  const byTable = new Map<string, ColumnFacts[]>()
  for (const [schema, table, name, type, nullable, comment] of columns) {
    const key = JSON.stringify([schema, table])
    const list = byTable.get(key) ?? []
    list.push({ name, type, nullable, comment: comment ?? undefined })
    byTable.set(key, list)
  }
  return tables
    .filter(([schema]) => schemas.includes(schema))
    .map(([schema, table, kind, comment, owner, partitionedBy, rows, updatedAt]) => ({
      name: { catalog, schema: schema.toLowerCase(), table: table.toLowerCase() },
      kind,
      basedOn: undefined,
      comment: comment ?? undefined,
      owner: owner ?? undefined,
      partitionedBy: partitionedBy ?? [],
      rows: rows === null ? undefined : Number(rows),
      updatedAt: kind === 'view' ? undefined : (updatedAt ?? undefined),
      columns: byTable.get(JSON.stringify([schema, table])) ?? [],
    }))
}

/** For databases that were made before it was known when data changed. */
export const FACTS_UPDATE = 'ALTER TABLE meta.table_facts ADD COLUMN IF NOT EXISTS updated_at TIMESTAMPTZ'

/** Remembers, in the transaction of the change itself, that a table's data changed now. */
export async function noteChange(connection: DuckDBConnection, { schema, table }: TableName): Promise<void> {
  const of = { schema, table }
  const where = 'lower(schema_name) = $schema AND lower(table_name) = $table'
  const known = await connection.run(`UPDATE meta.table_facts SET updated_at = now() WHERE ${where}`, of)
  if (known.rowsChanged > 0) return
  await connection.run(
    `INSERT INTO meta.table_facts (schema_name, table_name, updated_at)
     SELECT schema_name, table_name, now() FROM duckdb_tables() WHERE ${where}`,
    of,
  )
}

async function rowsOf(connection: DuckDBConnection, sql: string, catalog: string): Promise<unknown> {
  const bound = sql.includes('$catalog') ? { catalog } : undefined
  return (await connection.run(sql, bound)).getRowsJson()
}
