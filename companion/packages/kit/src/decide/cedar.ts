import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import { GatehouseError } from '@gatehouse/contracts'
import { BASE, SCHEMA } from './base.cedar.ts'

/** A policy text that does not parse or does not fit the schema: `policy_invalid`. The server does not start. */
export class PolicyError extends GatehouseError {}

interface Verdict {
  readonly allowed: boolean
  /** Ids of the rules that decided; empty when no rule permitted. */
  readonly rules: readonly string[]
}

export interface CedarEngine {
  /** `@reason` of a rule of the server's own text. */
  reasonOf(rule: string): string | undefined
  /** @throws when Cedar cannot evaluate; the caller treats that as no */
  evaluate(
    call: Pick<cedar.StatefulAuthorizationCall, 'principal' | 'action' | 'resource' | 'context' | 'entities'>,
  ): Verdict
}

let engines = 0

/** The kit's policies and a server's own, parsed and schema-checked once. */
export function createCedarEngine(own: string): CedarEngine {
  const policies: Record<string, string> = { ...BASE }
  const reasons = new Map<string, string>()
  for (const [id, policy] of ownPolicies(own)) {
    if (policies[id] !== undefined) throw new PolicyError('policy_invalid', `two policies have the id ${id}`)
    policies[id] = policy.text
    if (policy.reason !== undefined) reasons.set(id, policy.reason)
  }
  validate(policies)
  // Cedar keeps parsed policies under a name, for the whole process.
  const name = `gatehouse-${++engines}`
  accept(cedar.preparsePolicySet(name, { staticPolicies: policies }))

  return {
    reasonOf: (rule) => reasons.get(rule),
    evaluate(call) {
      // The policies were checked against the schema at start, and the request is made in one place: checking it again doubles the time.
      const answer = cedar.statefulIsAuthorized({ ...call, preparsedPolicySetId: name })
      if (answer.type === 'failure') throw new PolicyError('policy_failed', messages(answer.errors))
      const { decision, diagnostics } = answer.response
      // Cedar skips a policy that errs; a forbid that was skipped must not become a yes.
      if (diagnostics.errors.length > 0)
        throw new PolicyError('policy_failed', `policy ${diagnostics.errors[0]?.policyId} failed`)
      return { allowed: decision === 'allow', rules: diagnostics.reason }
    },
  }
}

function ownPolicies(text: string): Map<string, { text: string; reason: string | undefined }> {
  const found = new Map<string, { text: string; reason: string | undefined }>()
  const parts = accept(cedar.policySetTextToParts(text))
  if (parts.policy_templates.length > 0) throw new PolicyError('policy_invalid', 'policy templates are not supported')
  for (const policy of parts.policies) {
    const { json } = accept(cedar.policyToJson(policy))
    const id = json.annotations?.['id'] ?? `own-${found.size + 1}`
    if (found.has(id)) throw new PolicyError('policy_invalid', `two policies have the id ${id}`)
    found.set(id, { text: policy, reason: json.annotations?.['reason'] })
  }
  return found
}

function validate(policies: Record<string, string>): void {
  const answer = accept(cedar.validate({ schema: SCHEMA, policies: { staticPolicies: policies } }))
  const [first] = answer.validationErrors
  if (first) throw new PolicyError('policy_invalid', `policy ${first.policyId}: ${first.error.message}`)
}

type Answer = { type: 'success' } | { type: 'failure'; errors: cedar.DetailedError[] }

function accept<T extends Answer>(answer: T): Exclude<T, { type: 'failure' }> {
  if (answer.type === 'failure') throw new PolicyError('policy_invalid', messages(answer.errors))
  return answer as Exclude<T, { type: 'failure' }>
}

function messages(errors: readonly cedar.DetailedError[]): string {
  return errors.map((error) => error.message).join('; ')
}
