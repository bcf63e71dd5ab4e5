import { ToolError } from '@gatehouse/kit'

/** `sql_empty`, `sql_many_statements`, `sql_too_long`, `sql_too_complex`, `sql_syntax`, `sql_unsupported`. */
export class SqlError extends ToolError {
  constructor(
    code: string,
    message: string,
    next: string,
    /** One-based line and column of the first offending token, where there is one. */
    readonly at?: { readonly line: number; readonly column: number },
  ) {
    super(code, at ? `line ${at.line}, column ${at.column}: ${message}` : message, next)
  }
}
