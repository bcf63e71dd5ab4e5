export { POLICY_CASES, type PolicyCase } from './access/policy-cases.ts'
export { POLICIES } from './access/policies.ts'
export { prestoServer } from './definition.ts'
