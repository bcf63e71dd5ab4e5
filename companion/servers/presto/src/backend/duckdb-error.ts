import { ToolError } from '@gatehouse/kit'

const KINDS: readonly [prefix: string, code: string, next: string][] = [
  ['INTERRUPT', 'query_cancelled', 'Run it again if it is still needed.'],
  ['Parser', 'query_invalid', 'Correct the statement; the engine is DuckDB with Trino syntax.'],
  ['Binder', 'query_invalid', 'Check names and types with describe_table.'],
  ['Catalog', 'query_invalid', 'Check names with search_tables and describe_table.'],
  ['Conversion', 'query_failed', 'Check the values; TRY_CAST gives NULL where a cast fails.'],
  ['Out of Range', 'query_failed', 'Check the values, or cast to a wider type.'],
  ['Invalid Input', 'query_failed', 'Check the arguments of the functions.'],
  ['Constraint', 'constraint_violated', 'Change the rows so that they meet the constraint.'],
  ['Out of Memory', 'memory_limit', 'Filter or aggregate earlier so that less is kept in memory.'],
  ['TransactionContext', 'write_conflict', 'Somebody changed the same rows: look at them, then try again.'],
  ['Transaction', 'write_conflict', 'Somebody changed the same rows: look at them, then try again.'],
  ['Dependency', 'dependency', 'Something else depends on it: drop that first.'],
]

/** DuckDB tells kinds of errors apart only by how the message begins; this is the one place that reads it. */
export function toolErrorOf(error: unknown): ToolError {
  if (error instanceof ToolError) return error
  const message = error instanceof Error ? error.message : String(error)
  const [, code, next] = KINDS.find(([prefix]) => message.startsWith(`${prefix} Error`)) ?? [
    '',
    'query_failed',
    'Check the statement with explain_query.',
  ]
  return new ToolError(code, harmless(message), next, { cause: error })
}

/** Suggestions may name tables that the caller may not know of, and the statement is echoed: only the first sentence is passed on. */
function harmless(message: string): string {
  const [first = ''] = message.split(/\n|Did you mean|Candidate tables/)
  return first.trim().slice(0, 500)
}
