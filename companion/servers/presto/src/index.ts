export { POLICY_CASES, type PolicyCase } from './access/policy-cases.ts'
export { prestoServer } from './definition.ts'
