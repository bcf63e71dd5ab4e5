import { randomUUID } from 'node:crypto'
import type { AccessPolicy, ServerRecord, UserCaller } from '@gatehouse/contracts'
import { createPolicy, type Policy } from '@gatehouse/kit'
import { sampleRecord } from '../test/support/sample-record.ts'
import { toolNames } from './kit-tools.ts'

const TOOLS = 200
const DIGEST = `sha256:${'0'.repeat(64)}` as const
const GROUPS = ['ads', 'finance', 'infra', 'growth', 'search']
/** What a team's own text looks like: a table that is one group's, and arguments that are bounded. */
const OWN = `
@id("tables") permit (principal is User, action == Action::"read", resource is Resource) when { resource.kind == "table" };
@id("ads-tables") @reason("needs the group ads")
forbid (principal, action == Action::"read", resource is Resource) when { resource.name like "ads.*" } unless { principal in Group::"ads" };
`

export interface DecideFigures {
  /** Milliseconds of one decision about a call, over callers that come again and callers that are new. */
  readonly p50: number
  readonly p99: number
  /** The same of callers that were never seen before. */
  readonly freshP99: number
  /** Milliseconds of one list of all tools, for a caller that is known, and for one that is new. */
  readonly list: number
  readonly freshList: number
}

/** `decide` of a server with 200 tools, each with groups of its own; in this process, which does nothing else. */
export function measureDecide(): DecideFigures {
  const names = toolNames(TOOLS)
  const policy = createPolicy({
    tools: Object.fromEntries(names.map((name, index) => [name, policyOf(index)])),
    cedar: OWN,
  })
  const record = recordOf(names)
  const decide = (caller: UserCaller, name: string) =>
    policy.decide({ caller, action: 'call', resource: { kind: 'tool', name }, record })
  const known = Array.from({ length: 500 }, caller)
  for (let call = 0; call < 20_000; call++) decide(pick(known), pick(names))

  const all: number[] = []
  const fresh: number[] = []
  for (let call = 0; call < 50_000; call++) {
    // One call in fifty is the first of somebody who has just signed in.
    const isFresh = call % 50 === 0
    const who = isFresh ? caller() : pick(known)
    const name = pick(names)
    const took = timed(() => decide(who, name))
    all.push(took)
    if (isFresh) fresh.push(took)
  }
  const lists: number[] = []
  const freshLists: number[] = []
  for (let round = 0; round < 200; round++) {
    const who = pick(known)
    filter(policy, record, names, who)
    lists.push(timed(() => filter(policy, record, names, who)))
    const newcomer = caller()
    freshLists.push(timed(() => filter(policy, record, names, newcomer)))
  }
  return {
    p50: quantile(all, 0.5),
    p99: quantile(all, 0.99),
    freshP99: quantile(fresh, 0.99),
    list: quantile(lists, 0.5),
    freshList: quantile(freshLists, 0.5),
  }
}

function filter(policy: Policy, record: ServerRecord, names: readonly string[], caller: UserCaller): number {
  return names.filter((name) => {
    const resource = { kind: 'tool', name }
    return (
      policy.decide({ caller, action: 'list', resource, record }).allowed &&
      policy.decide({ caller, action: 'call', resource, record }).allowed
    )
  }).length
}

function policyOf(index: number): AccessPolicy {
  const group = GROUPS[index % GROUPS.length] ?? 'ads'
  switch (index % 4) {
    case 0:
      return {}
    case 1:
      return { groups: [group, 'ads'] }
    case 2:
      return { groups: [group], surfaces: ['ide'] }
    default:
      return { roles: [`${group}-editor`] }
  }
}

function caller(): UserCaller {
  return {
    kind: 'user',
    subject: randomUUID(),
    groups: GROUPS.filter(() => Math.random() < 0.5),
    roles: GROUPS.filter(() => Math.random() < 0.3).map((group) => `${group}-editor`),
    client: 'gatehouse-vscode',
    surface: Math.random() < 0.7 ? 'ide' : 'cli',
  }
}

function recordOf(names: readonly string[]): ServerRecord {
  return sampleRecord('bench', {
    surfaces: ['ide', 'cli'],
    groups: GROUPS,
    tools: names.map((name, index) => ({
      name,
      digest: DIGEST,
      effect: index % 5 === 0 ? 'write' : 'read',
      groups: [],
      minutesSaved: 1,
    })),
  })
}

function timed(work: () => unknown): number {
  const startedAt = performance.now()
  work()
  return performance.now() - startedAt
}

function pick<T>(items: readonly T[]): T {
  return items[Math.floor(Math.random() * items.length)] as T
}

function quantile(values: readonly number[], part: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * part)] ?? Number.NaN
}
