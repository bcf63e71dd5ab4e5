import type { DuckDBConnection } from '@duckdb/node-api'
import { z } from 'zod'
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
])
const ColumnRow = z.tuple([z.string(), z.string(), z.string(), z.string(), z.boolean(), Text])

/** `meta.table_facts` holds what DuckDB has no place for: owner and partition keys. */
const TABLES = `
  SELECT schema_name, table_name, kind, comment, owner, partitioned_by, rows
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
    .map(([schema, table, kind, comment, owner, partitionedBy, rows]) => ({
      name: { catalog, schema: schema.toLowerCase(), table: table.toLowerCase() },
      kind,
      basedOn: undefined,
      comment: comment ?? undefined,
      owner: owner ?? undefined,
      partitionedBy: partitionedBy ?? [],
      rows: rows === null ? undefined : Number(rows),
      columns: byTable.get(JSON.stringify([schema, table])) ?? [],
    }))
}

async function rowsOf(connection: DuckDBConnection, sql: string, catalog: string): Promise<unknown> {
  const bound = sql.includes('$catalog') ? { catalog } : undefined
  return (await connection.run(sql, bound)).getRowsJson()
}
