import type { TableName } from './names.ts'

/** What a statement is, from its parse tree. `metadata`: SHOW and DESCRIBE. `other`: what no tool runs (SET, CALL, PREPARE, GRANT …). */
export type StatementKind =
  | 'query'
  | 'explain'
  | 'insert'
  | 'update'
  | 'delete'
  | 'merge'
  | 'truncate'
  | 'create_table'
  | 'create_table_as'
  | 'create_view'
  | 'alter_table'
  | 'drop_table'
  | 'drop_view'
  | 'comment'
  | 'metadata'
  | 'other'

export interface Statement {
  readonly kind: StatementKind
  /** True only when every part of the parse tree is known to be free of effects. */
  readonly readOnly: boolean
  /** Why it is not read-only, or what the server did not understand; empty when it is read-only. */
  readonly why: string
  /** Parts that no tool runs, in reads and writes alike: a function that reaches outside, a table function, what was not understood. */
  readonly refused: readonly string[]
  /** Base tables and views it reads, CTEs resolved, each once. */
  readonly reads: readonly TableName[]
  /** Tables and views it changes. */
  readonly writes: readonly TableName[]
  /** Names of functions it calls, in lower case, each once. */
  readonly functions: readonly string[]
  /**
   * The statement for the engine, made anew from the parsed tokens: no comments, every table fully qualified. What the engine reads is what
   * the guard read, whatever the two lexers think of quotes, comments or white space.
   */
  readonly text: string
  /** The query inside (of INSERT, CREATE … AS, EXPLAIN), for the engine. */
  readonly query: string | undefined
  /** Condition of an UPDATE or DELETE, for the engine. */
  readonly where: string | undefined
}
