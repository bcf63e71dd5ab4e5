import {
  type Caller,
  type CaseFailure,
  type CaseReport,
  clientTerms,
  type Decision,
  decidedOf,
  type ServerRecord,
  type SurfaceName,
  usualAction,
} from '@gatehouse/contracts'
import { createPolicy } from '../decide/policy.ts'
import { rulesOf } from './cedar-files.ts'
import type { CaseCaller, PolicyCase } from './policy-case.ts'

/** Asks the server's own decision function every case. @param record with the server's policy @throws PolicyError */
export function runPolicyCases(record: ServerRecord, cases: readonly PolicyCase[]): CaseReport {
  const policy = createPolicy(record.policy)
  const decided = new Set<string>()
  const failures = cases.flatMap((one): CaseFailure[] => {
    const resource = decidedOf(one) ?? { kind: 'server' }
    const answered = policy.decide({
      caller: callerOf(one.caller, record),
      action: one.action ?? usualAction(resource),
      resource,
      record,
      ...(one.arguments && { arguments: one.arguments }),
    })
    decided.add(answered.rule)
    return meets(answered, one.expect) ? [] : [{ name: one.name, expected: one.expect, answered }]
  })
  const rules = rulesOf({ name: 'cedar', text: record.policy?.cedar ?? '' }).map(({ id }) => id)
  return { cases: cases.length, failures, rules, undecided: rules.filter((id) => !decided.has(id)) }
}

function meets(answered: Decision, { allowed, rule, reason }: PolicyCase['expect']): boolean {
  return (
    answered.allowed === allowed &&
    (rule === undefined || answered.rule === rule) &&
    (reason === undefined || answered.reason === reason)
  )
}

/** As the server would see whoever the case describes. */
function callerOf(caller: CaseCaller, record: ServerRecord): Caller {
  if ('workload' in caller) return { kind: 'workload', spiffeId: caller.workload }
  const { groups, roles, scopes = ['mcp'], channel, user = 'somebody' } = caller
  const client = caller.client ?? clientOn(caller.surface, record)
  const surface = caller.surface ?? clientTerms(record.clients, client)?.surface ?? record.surfaces[0] ?? 'ide'
  return {
    kind: 'user',
    subject: user,
    groups,
    client,
    surface,
    scopes,
    ...(roles && { roles }),
    ...(channel !== undefined && { channel }),
  }
}

function clientOn(surface: SurfaceName | undefined, { clients }: ServerRecord): string {
  const one = clients.find((client) => 'clientId' in client && (surface === undefined || client.surface === surface))
  return one && 'clientId' in one ? one.clientId : 'some-client'
}
