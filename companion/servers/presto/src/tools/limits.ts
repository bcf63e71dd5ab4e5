import type { EnginePlan } from '../backend/backend.ts'
import type { QueryLimits } from '../results/query.ts'

export interface PrestoLimits {
  readonly query: QueryLimits
  /** Rows through all operators, as estimated; a query over it runs only with an approval. */
  readonly workRows: number
}

export const DEFAULT_LIMITS: PrestoLimits = {
  query: { rows: 10_000, bytes: 16 * 1024 * 1024, milliseconds: 120_000 },
  workRows: 50_000_000,
}

export function isExpensive(plan: EnginePlan, limits: PrestoLimits): boolean {
  return plan.workRows > limits.workRows
}

/** Limits that a query would reach, in words. */
export function limitsHit(plan: EnginePlan, limits: PrestoLimits): readonly string[] {
  const hits: string[] = []
  if (isExpensive(plan, limits)) {
    hits.push(`cost: about ${Math.round(plan.workRows)} rows of work, over ${limits.workRows}; it needs an approval`)
  }
  if (plan.rows > limits.query.rows)
    hits.push(`rows: about ${Math.round(plan.rows)} rows, of which ${limits.query.rows} are kept`)
  return hits
}
