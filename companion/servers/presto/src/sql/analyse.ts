import { ParserRuleContext, type ParseTree, TerminalNode } from 'antlr4ng'
import * as T from 'dt-sql-parser/dist/lib/trino/TrinoSqlParser'
import { engineFunction } from './functions.ts'
import { isKnown, kindOf, TARGET_NODES } from './grammar.ts'
import {
  type NameDefaults,
  partsOf,
  qualified,
  quoted,
  quotedIdentifier,
  resourceName,
  type TableName,
} from './names.ts'
import { parseStatement, withinStack } from './parser.ts'
import { Rendering } from './render.ts'
import type { Statement, StatementKind } from './statement.ts'
import { childOf, childrenOf } from './tree.ts'

/**
 * What one statement is and touches, decided from its parse tree alone. Everything that is not on a list counts as not understood, and what
 * is not understood is not a read.
 * @throws SqlError when it is not one well-formed statement
 */
export function analyse(sql: string, defaults: NameDefaults): Statement {
  const { root, tokens } = parseStatement(sql)
  return withinStack(() => new Analysis(root, new Rendering(tokens), defaults).statement())
}

/** Names that WITH has bound at a place; they hide tables of the same name. */
type Scope = ReadonlySet<string>
const NO_NAMES: Scope = new Set()

class Analysis {
  readonly #root: T.StatementContext
  readonly #kind: StatementKind
  readonly #rendering: Rendering
  readonly #defaults: NameDefaults
  readonly #reads = new Map<string, TableName>()
  readonly #writes = new Map<string, TableName>()
  readonly #functions = new Set<string>()
  readonly #refused = new Set<string>()
  readonly #unknown = new Set<string>()

  constructor(root: T.StatementContext, rendering: Rendering, defaults: NameDefaults) {
    this.#root = root
    this.#kind = kindOf(root)
    this.#rendering = rendering
    this.#defaults = defaults
  }

  statement(): Statement {
    const explained = this.#kind === 'explain' ? this.#explained() : undefined
    const body = explained ?? this.#root
    this.#statementBody(body)
    const query = childOf(body, T.RootQueryContext)
    const where = childOf(body, T.WhereClauseContext)
    const why = this.#whyNotRead(explained)
    return {
      kind: this.#kind,
      readOnly: why === '',
      why,
      refused: [...this.#refused, ...this.#unknown],
      reads: [...this.#reads.values()],
      writes: [...this.#writes.values()],
      functions: [...this.#functions],
      text: this.#rendering.all(),
      query: query && this.#rendering.of(query),
      where: where && this.#rendering.of(where),
    }
  }

  #explained(): T.StatementContext | undefined {
    return childOf(this.#root, T.StatementContext)
  }

  #statementBody(body: T.StatementContext): void {
    if (kindOf(body) === 'other' || kindOf(body) === 'metadata') return
    let targetSeen = false
    for (const child of childrenOf(body)) {
      if (!targetSeen && isTarget(child)) {
        targetSeen = true
        this.#remember(this.#writes, child)
      } else {
        this.#walk(child, NO_NAMES)
      }
    }
  }

  #whyNotRead(explained: T.StatementContext | undefined): string {
    const [refused] = this.#refused
    if (refused !== undefined) return refused
    const [unknown] = this.#unknown
    if (unknown !== undefined) return unknown
    if (this.#kind === 'query') return ''
    if (this.#kind === 'explain') {
      if (!explained || kindOf(explained) !== 'query') return 'EXPLAIN of a statement that is not a query'
      const plain = childrenOf(this.#root).every(
        (child) => child === explained || (child instanceof TerminalNode && PLAIN_EXPLAIN.has(child.symbol.type)),
      )
      return plain ? '' : 'EXPLAIN with options'
    }
    return this.#kind === 'other' || this.#kind === 'metadata'
      ? `${this.#root.start?.text?.toUpperCase() ?? 'the statement'} is not a query`
      : `it is a change (${this.#kind.replaceAll('_', ' ')})`
  }

  #walk(node: ParseTree, scope: Scope): void {
    if (node instanceof TerminalNode) {
      if (node.symbol.type === T.TrinoSqlParser.QUESTION_MARK) this.#refused.add('parameters (?) have no value here')
      return
    }
    if (!(node instanceof ParserRuleContext)) {
      this.#unknown.add('a part that the parser could not name')
      return
    }
    if (!isKnown(node, this.#kind)) this.#unknown.add(`not understood: ${shortened(node.getText())}`)
    if (node instanceof T.QueryStatementContext) return this.#query(node, scope)
    if (node instanceof T.TableRefContext) return this.#table(node, scope)
    if (node instanceof T.ViewRefContext) return this.#remember(this.#reads, node)
    if (node instanceof T.FunctionNameContext) return this.#function(node)
    if (node instanceof T.TableFunctionInvocationContext || node instanceof T.JsonTableContext) {
      this.#refused.add(`table functions are not available: ${shortened(node.getText())}`)
    }
    if (node instanceof T.PatternRecognitionContext && childrenOf(node).length > 1) this.#unknown.add('MATCH_RECOGNIZE')
    if (node instanceof T.InlineTableContext) this.#wrapRows(node)
    if (node instanceof T.SampledRelationContext) this.#wrapPercentage(node)
    for (const child of childrenOf(node)) this.#walk(child, scope)
  }

  /** A name of a WITH list is visible to the names after it and to the query; with RECURSIVE to all of them. */
  #query(node: T.QueryStatementContext, outer: Scope): void {
    const names = new Set(outer)
    const list = childOf(node, T.WithContext)
    const named = list ? childrenOf(list).filter((child) => child instanceof T.NamedQueryContext) : []
    const recursive = Boolean(list?.KW_RECURSIVE())
    if (recursive) for (const child of named) names.add(nameOf(child))
    for (const child of named) {
      this.#walk(child, new Set(names))
      names.add(nameOf(child))
    }
    for (const child of childrenOf(node)) if (child !== list) this.#walk(child, names)
  }

  #table(node: T.TableRefContext, scope: Scope): void {
    const parts = partsOf(node)
    const [first] = parts
    if (parts.length === 1 && first !== undefined && scope.has(first)) {
      this.#rendering.replace(node, quotedIdentifier(first))
      return
    }
    this.#remember(this.#reads, node)
  }

  #remember(tables: Map<string, TableName>, node: ParserRuleContext): void {
    const name = qualified(partsOf(node), this.#defaults)
    tables.set(`${name.catalog}.${resourceName(name)}`, name)
    this.#rendering.replace(node, quoted(name))
  }

  #function(node: T.FunctionNameContext): void {
    const parts = childrenOf(node).flatMap((child) => (child instanceof ParserRuleContext ? partsOf(child) : []))
    const [name] = parts
    const called = parts.length === 1 && name !== undefined ? engineFunction(name) : undefined
    if (called === undefined) {
      this.#refused.add(`the function ${shortened(parts.join('.'))} is not available`)
      return
    }
    this.#functions.add(called)
    this.#rendering.replace(node, called)
  }

  /** `VALUES 1, 2` is two rows in Trino; DuckDB wants each in brackets. */
  #wrapRows(node: T.InlineTableContext): void {
    for (const row of childrenOf(node)) {
      if (row instanceof ParserRuleContext && !isBracketed(row)) this.#rendering.wrap(row, '(', ')')
    }
  }

  #wrapPercentage(node: T.SampledRelationContext): void {
    const percentage = childOf(node, T.ExpressionContext)
    if (percentage) this.#rendering.wrap(percentage, '', 'PERCENT')
  }
}

const PLAIN_EXPLAIN: ReadonlySet<number> = new Set([T.TrinoSqlParser.KW_EXPLAIN, T.TrinoSqlParser.KW_ANALYZE])

function isTarget(node: ParseTree): node is ParserRuleContext {
  return TARGET_NODES.some((target) => node instanceof target)
}

function isBracketed(node: ParserRuleContext): boolean {
  let inner = node
  for (;;) {
    const [only, second] = childrenOf(inner)
    if (second !== undefined || !(only instanceof ParserRuleContext)) break
    inner = only
  }
  const opens = inner instanceof T.RowConstructorContext || inner instanceof T.ParenthesizedExpressionContext
  return opens && inner.start?.text === '('
}

function nameOf(node: ParserRuleContext): string {
  return partsOf(node)[0] ?? ''
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}
