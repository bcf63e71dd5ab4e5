import { createHash } from 'node:crypto'
import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import { BoundedMap } from '../bounded-map.ts'
import { BASE } from './base.cedar.ts'
import { accept, messages, PolicyError } from './policy-error.ts'
import { mergedSchema } from './schema.ts'

export interface Verdict {
  readonly allowed: boolean
  /** Ids of the rules that decided; empty when no rule permitted. */
  readonly rules: readonly string[]
}

export type CedarRequest = Pick<
  cedar.StatefulAuthorizationCall,
  'principal' | 'action' | 'resource' | 'context' | 'entities'
>

export interface CedarEngine {
  /** `@reason` of a rule of the server's own text. */
  reasonOf(rule: string): string | undefined
  /** Whether the server's own text can tell one caller from another with the same attributes. */
  readonly namesCallers: boolean
  /** Whether the server's own text can look at the arguments of a call. */
  readonly readsArguments: boolean
  /** Whether the server's own text may say something of resources of this entity type. */
  judges(type: string): boolean
  /** Entity types of the server's own schema. */
  readonly ownTypes: ReadonlySet<string>
  /** @throws when Cedar cannot evaluate; the caller treats that as no */
  evaluate(request: CedarRequest): Verdict
}

/** Cedar keeps parsed policies for the whole process, and so does this what was made of them. */
const engines = new BoundedMap<string, CedarEngine>(100)

/** The kit's policies and a server's own, parsed and schema-checked once. @throws PolicyError */
export function createCedarEngine(own: string, ownSchema: string): CedarEngine {
  const name = createHash('sha256')
    .update(JSON.stringify([own, ownSchema]))
    .digest('base64')
  const engine = engines.get(name) ?? makeEngine(name, own, ownSchema)
  engines.set(name, engine)
  return engine
}

function makeEngine(name: string, own: string, ownSchema: string): CedarEngine {
  const policies: Record<string, string> = { ...BASE }
  const reasons = new Map<string, string>()
  const parsed = ownPolicies(own)
  for (const [id, policy] of parsed) {
    if (policies[id] !== undefined) throw new PolicyError('policy_invalid', `two policies have the id ${id}`)
    policies[id] = policy.text
    if (policy.reason !== undefined) reasons.set(id, policy.reason)
  }
  const { schema, ownTypes } = mergedSchema(ownSchema)
  validate(policies, schema)
  accept(cedar.preparsePolicySet(name, { staticPolicies: policies }))
  const ownTexts = [...parsed.values()]

  return {
    reasonOf: (rule) => reasons.get(rule),
    judges: (type) => ownTexts.some(({ about }) => about === undefined || about === type),
    ownTypes,
    namesCallers: ownTexts.some(({ json }) => /"type":\s*"(User|Workload)"/.test(json)),
    readsArguments: /\bcontext\b/.test(own),
    evaluate(request) {
      // The policies were checked against the schema at start, and the request is made in one place: checking it again doubles the time.
      const answer = cedar.statefulIsAuthorized({ ...request, preparsedPolicySetId: name })
      if (answer.type === 'failure') throw new PolicyError('policy_failed', messages(answer.errors))
      const { decision, diagnostics } = answer.response
      // Cedar skips a policy that errs; a forbid that was skipped must not become a yes.
      if (diagnostics.errors.length > 0)
        throw new PolicyError('policy_failed', `policy ${diagnostics.errors[0]?.policyId} failed`)
      return { allowed: decision === 'allow', rules: diagnostics.reason }
    },
  }
}

interface OwnPolicy {
  readonly text: string
  /** Cedar's JSON form. */
  readonly json: string
  /** The one entity type of resources that its head admits, if it names one. */
  readonly about: string | undefined
  readonly reason: string | undefined
}

function ownPolicies(text: string): Map<string, OwnPolicy> {
  const found = new Map<string, OwnPolicy>()
  const parts = accept(cedar.policySetTextToParts(text))
  if (parts.policy_templates.length > 0) throw new PolicyError('policy_invalid', 'policy templates are not supported')
  for (const policy of parts.policies) {
    const { json } = accept(cedar.policyToJson(policy))
    const id = json.annotations?.['id'] ?? `own-${found.size + 1}`
    if (found.has(id)) throw new PolicyError('policy_invalid', `two policies have the id ${id}`)
    const about = json.resource.op === 'is' ? json.resource.entity_type : undefined
    found.set(id, { text: policy, json: JSON.stringify(json), about, reason: json.annotations?.['reason'] })
  }
  return found
}

function validate(policies: Record<string, string>, schema: cedar.Schema): void {
  const answer = accept(cedar.validate({ schema, policies: { staticPolicies: policies } }))
  const [first] = answer.validationErrors
  if (first) throw new PolicyError('policy_invalid', `policy ${first.policyId}: ${first.error.message}`)
}
