import type { ParserRuleContext } from 'antlr4ng'
import { IdentifierContext } from 'dt-sql-parser/dist/lib/trino/TrinoSqlParser'
import { childrenOf } from './tree.ts'

/** Fully qualified, in lower case: what a policy decides about and what the engine is asked for. */
export interface TableName {
  readonly catalog: string
  readonly schema: string
  readonly table: string
}

export interface NameDefaults {
  readonly catalog: string
  readonly schema: string
}

/** `schema.table`, the name of the table as a policy's resource. */
export function resourceName(name: Pick<TableName, 'schema' | 'table'>): string {
  return `${name.schema}.${name.table}`
}

export function sameTable(a: TableName, b: TableName): boolean {
  return a.catalog === b.catalog && a.schema === b.schema && a.table === b.table
}

export function quoted(name: TableName): string {
  return [name.catalog, name.schema, name.table].map(quotedIdentifier).join('.')
}

export function quotedIdentifier(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}

/** The parts of a dotted name, each as the engine compares it. */
export function partsOf(node: ParserRuleContext): readonly string[] {
  return childrenOf(node)
    .filter((child): child is IdentifierContext => child instanceof IdentifierContext)
    .map((child) => identifierOf(child.getText()))
}

/** @param parts one to three of them; what is left out comes from the defaults */
export function qualified(parts: readonly string[], defaults: NameDefaults): TableName {
  const [table = '', schema = defaults.schema, catalog = defaults.catalog] = [...parts].reverse()
  return { catalog, schema, table }
}

/**
 * Identifiers are compared without case, quoted or not, and only over ASCII: `toLowerCase` would make the Kelvin sign a `k`, which the
 * engine does not.
 */
function identifierOf(text: string): string {
  const inner = text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text
  return inner.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}
