import { z } from 'zod'
import { Decision } from './decision.ts'

/** A case whose answer is not the expected one. */
export const CaseFailure = z.object({
  name: z.string(),
  expected: z.object({ allowed: z.boolean(), rule: z.string().optional(), reason: z.string().optional() }),
  answered: Decision,
})
export type CaseFailure = z.infer<typeof CaseFailure>

/** What came of asking a server's policies their cases. */
export const CaseReport = z.object({
  /** How many there are. */
  cases: z.int(),
  failures: z.array(CaseFailure),
  /** Ids of the team's own Cedar rules, all of them. */
  rules: z.array(z.string()),
  /** Those by which no case is decided: nobody would notice if they said something else. */
  undecided: z.array(z.string()),
})
export type CaseReport = z.infer<typeof CaseReport>

/** What a server prints for `--check-policies`. */
export const PolicyReport = z.discriminatedUnion('kind', [
  CaseReport.extend({ kind: z.literal('policies'), server: z.string() }),
  z.object({ kind: z.literal('policies-invalid'), server: z.string(), code: z.string(), message: z.string() }),
])
export type PolicyReport = z.infer<typeof PolicyReport>
