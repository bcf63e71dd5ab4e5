import {
  BaseErrorListener,
  CharStreams,
  CommonTokenStream,
  PredictionMode,
  type ATNSimulator,
  type RecognitionException,
  type Recognizer,
  Token,
} from 'antlr4ng'
import { TrinoSqlLexer } from 'dt-sql-parser/dist/lib/trino/TrinoSqlLexer'
import { type StatementContext, TrinoSqlParser } from 'dt-sql-parser/dist/lib/trino/TrinoSqlParser'
import { SqlError } from './sql-error.ts'

/** Parsing runs on the server's only thread, so its cost is bounded before it starts. */
export const SQL_LIMITS = {
  /** UTF-16 code units. */
  length: 32 * 1024,
  tokens: 8_000,
  /** Brackets and CASE expressions inside one another. */
  depth: 40,
} as const

/** Longest statement that the thorough second stage is tried on. */
const LL_TOKENS = 1_000

export interface ParsedStatement {
  readonly root: StatementContext
  /** Those of the statement, without comments, white space and the final semicolon. */
  readonly tokens: readonly Token[]
}

/**
 * Parses exactly one statement of the Trino dialect.
 * @throws SqlError
 */
export function parseStatement(sql: string): ParsedStatement {
  if (sql.length > SQL_LIMITS.length) {
    throw new SqlError(
      'sql_too_long',
      `the statement has ${sql.length} characters; at most ${SQL_LIMITS.length} are accepted`,
      'Shorten it: join a table instead of listing values, or split the work.',
    )
  }
  const lexical = new FirstError()
  const lexer = new TrinoSqlLexer(CharStreams.fromString(sql))
  lexer.removeErrorListeners()
  lexer.addErrorListener(lexical)
  const stream = new CommonTokenStream(lexer)
  stream.fill()
  const tokens = stream
    .getTokens()
    .filter((token) => token.channel === Token.DEFAULT_CHANNEL && token.type !== Token.EOF)
  const meaningful = tokens.filter((token) => token.type !== TrinoSqlParser.SEMICOLON)
  if (meaningful.length === 0) {
    throw new SqlError('sql_empty', 'there is no statement', 'Send one SQL statement.')
  }
  refuseComplex(meaningful)
  if (hasInnerSemicolon(tokens)) {
    throw new SqlError('sql_many_statements', 'there is more than one statement', 'Send them one at a time.')
  }
  const { root, problem } = withinStack(() => twoStages(stream, meaningful))
  const first = lexical.first ?? problem
  if (first) {
    const { line, column, message } = first
    throw new SqlError('sql_syntax', message, 'Correct the statement; it is read as Trino (Presto) SQL.', {
      line,
      column,
    })
  }
  return { root, tokens: meaningful }
}

interface Attempt {
  readonly root: StatementContext
  readonly problem: SyntaxProblem | undefined
}

/**
 * ANTLR's usual two stages: SLL prediction, ten times as fast and right whenever it finds no error; else full LL, which decides whether the
 * error is real. A long statement that SLL refuses is refused: LL may need seconds for it.
 */
function twoStages(stream: CommonTokenStream, tokens: readonly Token[]): Attempt {
  const quick = attempt(stream, tokens, PredictionMode.SLL)
  return quick.problem && tokens.length <= LL_TOKENS ? attempt(stream, tokens, PredictionMode.LL) : quick
}

function attempt(stream: CommonTokenStream, tokens: readonly Token[], mode: number): Attempt {
  const errors = new FirstError()
  stream.seek(0)
  const parser = new TrinoSqlParser(stream)
  parser.interpreter.predictionMode = mode
  parser.removeErrorListeners()
  parser.addErrorListener(errors)
  // Not `program`: it takes any number of statements without a semicolon between them, and so reads `> ALL (SELECT …)` as two.
  const root = parser.singleStatement().statement()
  return { root, problem: errors.first ?? leftOver(parser, root, tokens, errors) }
}

/** Runs work that recurses as deep as the statement is nested. @throws SqlError `sql_too_complex` when that is too deep */
export function withinStack<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof RangeError) throw tooComplex('the statement is nested too deeply')
    throw error
  }
}

/** The parser stops in silence where a statement could end; asked for the end of the text as well, it says what is wrong there. */
function leftOver(parser: TrinoSqlParser, root: StatementContext, tokens: readonly Token[], errors: FirstError) {
  const end = root.stop?.tokenIndex ?? -1
  const next = tokens.find((token) => token.tokenIndex > end)
  if (!next) return undefined
  parser.reset()
  parser.program()
  return errors.first ?? { line: next.line, column: next.column + 1, message: `unexpected ${next.text ?? 'text'}` }
}

function hasInnerSemicolon(tokens: readonly Token[]): boolean {
  const index = tokens.findIndex((token) => token.type === TrinoSqlParser.SEMICOLON)
  return index !== -1 && tokens.slice(index).some((token) => token.type !== TrinoSqlParser.SEMICOLON)
}

function refuseComplex(tokens: readonly Token[]): void {
  if (tokens.length > SQL_LIMITS.tokens)
    throw tooComplex(`the statement has more than ${SQL_LIMITS.tokens} words and signs`)
  let depth = 0
  for (const token of tokens) {
    if (token.text === '(' || token.text === '[' || token.type === TrinoSqlParser.KW_CASE) depth++
    else if (token.text === ')' || token.text === ']' || token.type === TrinoSqlParser.KW_END) depth--
    if (depth > SQL_LIMITS.depth) throw tooComplex(`the statement is nested deeper than ${SQL_LIMITS.depth}`)
  }
}

function tooComplex(message: string): SqlError {
  return new SqlError('sql_too_complex', message, 'Simplify it: use WITH to name parts, or split the work.')
}

interface SyntaxProblem {
  readonly line: number
  readonly column: number
  readonly message: string
}

class FirstError extends BaseErrorListener {
  first: SyntaxProblem | undefined

  override syntaxError(
    _recognizer: Recognizer<ATNSimulator>,
    offendingSymbol: unknown,
    line: number,
    column: number,
    message: string,
    _cause: RecognitionException | null,
  ): void {
    this.first ??= { line, column: column + 1, message: readable(message, offendingSymbol) }
  }
}

/** ANTLR lists every keyword it would have taken, which helps nobody. */
function readable(message: string, symbol: unknown): string {
  const text = symbol !== null && typeof symbol === 'object' && 'text' in symbol ? String(symbol.text) : undefined
  if (text === '<EOF>') return 'the statement ends too early'
  const [short = message] = message.split(' expecting {')
  if (text !== undefined && /^(no viable|rule )/.test(message)) return `unexpected ${text}`
  return short.replaceAll('<EOF>', 'end of statement').slice(0, 200)
}
