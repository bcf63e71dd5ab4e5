import type { EnvoyData } from './envoy-data.ts'

/** Rules by which the edge refuses, in the order in which they are asked: the servers have the same. */
const RULES = [
  'identity-header',
  'authorization-repeated',
  'authorization-malformed',
  'client-unknown',
  'server-groups',
  'server-surface',
  'server-channel',
  'tool-groups',
] as const
export type EdgeRule = (typeof RULES)[number]

/** A rule of Envoy's RBAC that denies. */
export interface Denial {
  readonly rule: EdgeRule
  /** Whose request it is about. */
  readonly of: EnvoyData
  /** Place of the tool in the record, where the rule is about one. */
  readonly tool?: number
  /** Which requests it is about. Default: any. */
  readonly requests?: EnvoyData
}

/** Rules of RBAC by which some are denied and the rest pass. */
export function denying(denials: readonly Denial[]): EnvoyData {
  return {
    action: 'DENY',
    policies: Object.fromEntries(
      denials.map(({ rule, tool, of, requests = { any: true } }) => [
        policyName(rule, tool),
        { permissions: [requests], principals: [of] },
      ]),
    ),
  }
}

/** Envoy goes through policies by the alphabet, so the name begins with the place. */
function policyName(rule: EdgeRule, tool?: number): string {
  return `${RULES.indexOf(rule)}.${rule}${tool === undefined ? '' : `.${tool}`}`
}

/** What Envoy says of a response that a rule made (`%RESPONSE_CODE_DETAILS%`). */
export function denialDetails(rule: EdgeRule, tool?: number): string {
  return `rbac_access_denied_matched_policy[${policyName(rule, tool)}]`
}
