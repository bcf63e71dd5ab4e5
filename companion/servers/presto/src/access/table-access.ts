import { type ToolContext, ToolError } from '@gatehouse/kit'
import type { Backend, EnginePlan, TableFacts } from '../backend/backend.ts'
import type { SqlGuard } from '../sql/guard.ts'
import { qualified, resourceName, sameTable, type TableName } from '../sql/names.ts'
import type { Statement } from '../sql/statement.ts'

export interface Checked {
  readonly statement: Statement
  /** Undefined for a change that reads nothing, such as DROP TABLE. */
  readonly plan: EnginePlan | undefined
}

/**
 * Who may read and change which table. Every statement is checked twice: by what its parse tree names, and by what the engine bound. A
 * table that only the engine saw comes from a view and is decided like any other; without a view in the statement the two must agree.
 */
export class TableAccess {
  readonly #backend: Backend
  readonly #guard: SqlGuard

  constructor(backend: Backend, guard: SqlGuard) {
    this.#backend = backend
    this.#guard = guard
  }

  /** Tables and views the caller may read; of the others nothing is ever said, not even that they exist. */
  async visible(ctx: ToolContext): Promise<readonly TableFacts[]> {
    const tables = await this.#backend.tables()
    const readable = ({ name }: Pick<TableFacts, 'name'>) =>
      ctx.decide({ kind: 'table', name: resourceName(name) }).allowed
    return tables.filter(
      (table) =>
        readable(table) && (table.kind === 'table' || table.basedOn?.every((name) => readable({ name })) === true),
    )
  }

  /**
   * Tables whose facts the caller may know: those that it may read, and those that are open to it as `table_facts` alone, as they are to a
   * service that reads no rows.
   */
  async known(ctx: ToolContext): Promise<readonly TableFacts[]> {
    const tables = await this.#backend.tables()
    return tables.filter(({ name, kind }) => kind === 'table' && this.#mayKnow(name, ctx))
  }

  /** One of `known`. @throws ToolError `table_denied`, `table_not_found` */
  async knownAs(text: string, ctx: ToolContext): Promise<TableFacts> {
    const name = this.#nameOf(text)
    if (!this.#mayKnow(name, ctx)) this.#allow(name, 'table', ctx)
    const found = (await this.known(ctx)).find((table) => sameTable(table.name, name))
    if (!found) throw notFound(resourceName(name))
    return found
  }

  /** @throws ToolError `not_read_only`, or a code of `check` */
  async read(sql: string, ctx: ToolContext): Promise<Checked & { readonly plan: EnginePlan }> {
    const statement = this.#guard.read(sql)
    if (statement.kind === 'metadata') {
      throw new ToolError(
        'metadata_statement',
        `${statement.why}; the catalog is not read with SQL here`,
        'Use search_tables to list tables and describe_table for columns.',
      )
    }
    if (!statement.readOnly) {
      throw new ToolError(
        'not_read_only',
        `this statement is not a read: ${statement.why}`,
        statement.refused.length > 0
          ? 'Leave that part out.'
          : 'Use execute_statement, which asks the person for approval.',
      )
    }
    const checked = await this.#check(statement, ctx)
    if (!checked.plan) throw new ToolError('not_read_only', 'this statement reads nothing', 'Send a SELECT.')
    return { statement, plan: checked.plan }
  }

  /** @throws ToolError `not_a_write`, `statement_refused`, or a code of `check` */
  async write(sql: string, ctx: ToolContext): Promise<Checked> {
    const statement = this.#guard.read(sql)
    if (statement.readOnly || statement.kind === 'metadata') {
      throw new ToolError('not_a_write', 'this statement changes nothing', 'Use run_query, which needs no approval.')
    }
    return this.#writable(statement, ctx)
  }

  /** For explaining: reads and changes alike. */
  async any(sql: string, ctx: ToolContext): Promise<Checked> {
    const statement = this.#guard.read(sql)
    return statement.readOnly ? this.#check(statement, ctx) : this.#writable(statement, ctx)
  }

  /** @param text `table`, `schema.table` or `catalog.schema.table`, as a person writes it @throws ToolError `table_denied`, `table_not_found` */
  async named(text: string, ctx: ToolContext): Promise<TableFacts> {
    const name = this.#nameOf(text)
    this.#allow(name, 'table', ctx)
    await this.#exist([name], ctx)
    const found = (await this.visible(ctx)).find((table) => sameTable(table.name, name))
    if (!found) throw notFound(resourceName(name))
    return found
  }

  #nameOf(text: string): TableName {
    const parts = text
      .toLowerCase()
      .split('.')
      .map((part) => part.trim().replace(/^"(.*)"$/, '$1'))
    if (parts.length > 3) throw notFound(text.slice(0, 200))
    return qualified(parts, this.#backend.defaults)
  }

  #mayKnow(name: TableName, ctx: ToolContext): boolean {
    const resource = resourceName(name)
    return ['table', 'table_facts'].some((kind) => ctx.decide({ kind, name: resource }).allowed)
  }

  async #writable(statement: Statement, ctx: ToolContext): Promise<Checked> {
    const [refused] = statement.refused
    if (
      refused !== undefined ||
      statement.kind === 'other' ||
      statement.kind === 'metadata' ||
      statement.kind === 'explain' ||
      statement.kind === 'query' ||
      statement.writes.length !== 1
    ) {
      throw new ToolError(
        'statement_refused',
        `this statement is not run: ${refused ?? statement.why}`,
        'Available are SELECT, INSERT, UPDATE, DELETE, MERGE, TRUNCATE, CREATE TABLE, CREATE VIEW, ALTER TABLE … COLUMN, DROP TABLE, DROP VIEW and COMMENT.',
      )
    }
    for (const name of statement.writes) this.#allow(name, 'writable_table', ctx)
    const creates = statement.kind.startsWith('create')
    if (!creates) await this.#exist(statement.writes, ctx)
    return this.#check(statement, ctx)
  }

  async #check(statement: Statement, ctx: ToolContext): Promise<Checked> {
    for (const name of statement.reads) this.#allow(name, 'table', ctx)
    await this.#exist(statement.reads, ctx)
    const text =
      statement.query ?? (['update', 'delete', 'merge'].includes(statement.kind) ? statement.text : undefined)
    if (text === undefined) return { statement, plan: undefined }
    const plan = await this.#backend.plan(text, ctx.signal)
    const [source] = plan.foreignSources
    if (source !== undefined) throw notUnderstood(`the engine would read from ${source}`)
    for (const name of plan.tables) {
      // The target of UPDATE, DELETE and MERGE is scanned too, and its rows are thereby read.
      this.#allow(name, 'table', ctx)
    }
    const seen = [...statement.reads, ...statement.writes]
    const tables = await this.#backend.tables()
    const throughView = seen.some((name) =>
      tables.some((table) => table.kind === 'view' && sameTable(table.name, name)),
    )
    if (!throughView && !plan.tables.every((name) => seen.some((other) => sameTable(other, name)))) {
      throw notUnderstood('the engine would read a table that the statement does not name')
    }
    return { statement, plan }
  }

  #allow(name: TableName, kind: 'table' | 'writable_table', ctx: ToolContext): void {
    if (name.catalog !== this.#backend.defaults.catalog) {
      throw new ToolError(
        'table_denied',
        `there is no catalog ${name.catalog} here`,
        `Use the catalog ${this.#backend.defaults.catalog}.`,
      )
    }
    const decision = ctx.decide({ kind, name: resourceName(name) })
    if (decision.allowed) return
    const verb = kind === 'table' ? 'read' : 'change'
    throw new ToolError(
      'table_denied',
      `you may not ${verb} ${resourceName(name)}: ${decision.reason}`,
      kind === 'table'
        ? 'Use search_tables to see the tables you may read.'
        : 'Change a table of the schema sandbox, or ask the table’s owner.',
    )
  }

  async #exist(names: readonly TableName[], ctx: ToolContext): Promise<void> {
    const visible = await this.visible(ctx)
    for (const name of names) {
      if (visible.some((table) => sameTable(table.name, name))) continue
      const near = visible.filter((table) => table.name.table === name.table).map((table) => resourceName(table.name))
      throw new ToolError(
        'table_not_found',
        `there is no table ${resourceName(name)}`,
        near.length > 0 ? `Did you mean ${near.join(' or ')}?` : 'Use search_tables to find its name.',
      )
    }
  }
}

function notFound(name: string): ToolError {
  return new ToolError('table_not_found', `there is no table ${name}`, 'Use search_tables to find its name.')
}

function notUnderstood(message: string): ToolError {
  return new ToolError('sql_not_understood', message, 'Write the statement in a simpler way.')
}
