import type { RequirementId } from '../requirements.ts'

const CLAUSES: readonly (readonly [rule: RegExp, clause: RequirementId])[] = [
  [/^server-/, 'AUTH-9.3'],
  [/^server-groups$/, 'AUTH-9.1'],
  [/^server-(surface|channel)$/, 'AUTH-11.3'],
  [/-policy-(groups|roles)$/, 'AUTH-9.2'],
  [/-surface$/, 'AUTH-11.1'],
  [/-channel$/, 'AUTH-11.2'],
  [/-scopes$/, 'AUTH-8.7'],
  [/^tool-arguments$/, 'AUTH-8.6'],
  [/^workload-write$/, 'AUTH-10.1'],
]

/** What a case shows whose refusal is by this rule. */
export function clausesOf(rule: string | undefined): readonly RequirementId[] {
  return CLAUSES.flatMap(([pattern, clause]) => (rule !== undefined && pattern.test(rule) ? [clause] : []))
}
