import type { AccessPolicy, Action, Caller, ServerRecord } from '@gatehouse/contracts'
import { createPolicy } from '@gatehouse/kit'
import { describe, expect, it } from 'vitest'
import { verifies } from '../../requirements.ts'
import { everywhere, NIGHTLY, person, PROBER, record, service, STRANGER } from './given.ts'

type Case = readonly [
  what: string,
  caller: Caller,
  policy: AccessPolicy,
  /** The end of the rule's id after the kind (`tool-`), or the whole id; `undefined`: allowed. */
  rule: string | undefined,
  reason?: string | undefined,
  change?: Partial<ServerRecord>,
]

const ASK = '; ask #demo-help'
const chat = (channel?: string) => person({ surface: 'team-chat', ...(channel !== undefined && { channel }) })
const inAds = { channels: ['#ads', '#finance'] }

const OF_SERVER: readonly Case[] = [
  ['not listed', person(), {}, 'server-listed', `the server is suspended${ASK}`, { status: 'suspended' }],
  ['in no group', person({ groups: [] }), {}, 'server-groups', `needs one of the groups ads, finance${ASK}`],
  [
    'in another group',
    person({ groups: ['x'] }),
    {},
    'server-groups',
    `needs the group ads${ASK}`,
    { groups: ['ads'] },
  ],
  ['a server for nobody', person(), {}, 'server-groups', `open to no group${ASK}`, { groups: [] }],
  [
    'from another surface',
    person({ surface: 'web' }),
    {},
    'server-surface',
    `works only from ide, cli, team-chat${ASK}`,
  ],
  ['in a channel', chat('#ads'), {}, undefined, undefined, inAds],
  ['in another channel', chat('#x'), {}, 'server-channel', `works only in the channels #ads, #finance${ASK}`, inAds],
  ['in the chat, but in no channel', chat(), {}, 'server-channel', undefined, inAds],
  ['a surface that says a channel', person({ channel: '#x' }), {}, 'server-channel', undefined, inAds],
  ['a surface without channels', person(), {}, undefined, undefined, inAds],
  ['the chat, where channels are all one', chat(), {}, undefined],
  ['no group and another channel', chat('#x'), { groups: ['y'] }, 'server-channel', undefined, inAds],
  [
    'one of many groups',
    person({ groups: [] }),
    {},
    'server-groups',
    `needs one of the groups ${Array.from({ length: 20 }, (_, index) => `g${index}`).join(', ')} and 5 more${ASK}`,
    { groups: Array.from({ length: 25 }, (_, index) => `g${index}`) },
  ],
  ['a hidden server, no group', person({ groups: [] }), {}, 'server-groups', 'not available', { discoverable: false }],
  [
    'a hidden server, another surface',
    person({ surface: 'web' }),
    {},
    'server-surface',
    'not available',
    { discoverable: false },
  ],
  [
    'a hidden server, another channel',
    chat(),
    {},
    'server-channel',
    'not available',
    { ...inAds, discoverable: false },
  ],
  [
    'a hidden server, suspended',
    person(),
    {},
    'server-listed',
    'not available',
    { discoverable: false, status: 'suspended' },
  ],
]

const OF_POLICY: readonly Case[] = [
  ['one of its groups', person({ groups: ['ads', 'lead'] }), { groups: ['lead', 'boss'] }, undefined],
  [
    'none of its groups',
    person(),
    { groups: ['lead', 'boss'] },
    'policy-groups',
    `needs one of the groups lead, boss${ASK}`,
  ],
  ['its group, but not the server’s', person({ groups: ['lead'] }), { groups: ['lead'] }, 'server-groups'],
  ['no group at all', person(), { groups: [] }, 'policy-groups', `open to no group${ASK}`],
  ['one of its roles', person({ roles: ['analyst'] }), { roles: ['treasurer', 'analyst'] }, undefined],
  [
    'another role',
    person({ roles: ['reader'] }),
    { roles: ['treasurer'] },
    'policy-roles',
    `needs the role treasurer${ASK}`,
  ],
  ['no role', person(), { roles: ['a', 'b'] }, 'policy-roles', `needs one of the roles a, b${ASK}`],
  ['a group of the name of its role', person({ groups: ['ads', 'a'] }), { roles: ['a'] }, 'policy-roles'],
  ['its surface', person({ surface: 'ide' }), { surfaces: ['ide'] }, undefined],
  ['another surface', person(), { surfaces: ['ide'] }, 'policy-surface', `works only from ide${ASK}`],
  ['no surface', person(), { surfaces: [] }, 'policy-surface', `works from nowhere${ASK}`],
  ['its channel', chat('#ads'), { channels: ['#ads'] }, undefined],
  ['another channel', chat('#x'), { channels: ['#ads'] }, 'policy-channel', `works only in the channels #ads${ASK}`],
  ['in the chat, in no channel', chat(), { channels: ['#ads'] }, 'policy-channel'],
  ['a surface without channels', person(), { channels: ['#ads'] }, undefined],
  ['no channel at all', chat('#ads'), { channels: [] }, 'policy-channel', `works in no channel${ASK}`],
  ['all its scopes', person({ scopes: ['mcp', 'a', 'b'] }), { scopes: ['a', 'b'] }, undefined],
  [
    'one scope of two',
    person({ scopes: ['a'] }),
    { scopes: ['a', 'b'] },
    'policy-scopes',
    `needs a token with the scopes a, b${ASK}`,
  ],
  ['a token without scopes', person(), { scopes: ['a'] }, 'policy-scopes'],
  ['no scope that is asked for', person(), { scopes: [] }, undefined],
  ['role, surface and scope lacking', person(), { roles: ['r'], surfaces: ['ide'], scopes: ['a'] }, 'policy-roles'],
  ['surface and scope lacking', person(), { surfaces: ['ide'], scopes: ['a'] }, 'policy-surface'],
]

const TOOL_OF_WORKLOAD: readonly Case[] = [
  ['recorded, and admitted as recorded', service(NIGHTLY), { workloads: 'recorded' }, undefined],
  ['recorded, and admitted by name', service(NIGHTLY), { workloads: [NIGHTLY] }, undefined],
  [
    'recorded, and admitted by nobody',
    service(NIGHTLY),
    {},
    'tool-workload',
    `the tool is not open to this workload${ASK}`,
  ],
  ['recorded, while another is admitted', service(NIGHTLY), { workloads: [PROBER] }, 'tool-workload'],
  ['recorded for another tool', service(PROBER), { workloads: 'recorded' }, 'tool-workload'],
  [
    'admitted, and not recorded',
    service(STRANGER),
    { workloads: [STRANGER] },
    'server-workload',
    `the server is not open to this workload${ASK}`,
  ],
  [
    'of a hidden server, not recorded',
    service(STRANGER),
    {},
    'server-workload',
    'not available',
    { discoverable: false },
  ],
  [
    'whatever a person would need',
    service(NIGHTLY),
    { workloads: 'recorded', groups: ['x'], roles: ['x'], scopes: ['x'], surfaces: [] },
    undefined,
  ],
]

const named = (cases: readonly Case[]) => cases.map((given) => [given[0], given] as const)

const KINDS = [
  ['tool', 'call'],
  ['prompt', 'read'],
  ['resource', 'read'],
] as const

function decided(
  [, caller, policy, , , change]: Case,
  [kind, action]: readonly [kind: string, action: Action],
  name = 'look',
) {
  return createPolicy(everywhere(policy)).decide({ caller, action, resource: { kind, name }, record: record(change) })
}

function expectRule(
  decision: { allowed: boolean; rule: string; reason: string },
  kind: string,
  [, , , rule, reason]: Case,
) {
  if (rule === undefined) return expect(decision).toMatchObject({ allowed: true })
  const id = /^(server|tool)-/.test(rule) ? rule : `${kind}-${rule}`
  expect(decision).toMatchObject({ allowed: false, rule: id, ...(reason !== undefined && { reason }) })
}

describe.each(KINDS)('a %s', (...kind) => {
  it.each(named(OF_SERVER))('of a server: %s', (_what, given) => {
    verifies('AUTH-8.2', 'AUTH-8.3', 'AUTH-9.1', 'AUTH-11.3')
    expectRule(decided(given, kind), kind[0], given)
  })
  it.each(named(OF_POLICY))('whose policy asks for %s', (_what, given) => {
    verifies('AUTH-8.3', 'AUTH-9.2', 'AUTH-11.3')
    expectRule(decided(given, kind), kind[0], given)
  })
})

describe('the server itself', () => {
  it.each(named(OF_SERVER))('denies as its tools do: %s', (_what, [, caller, , rule, reason, change]) => {
    const decision = createPolicy().decide({
      caller,
      action: 'list',
      resource: { kind: 'server' },
      record: record(change),
    })
    expectRule(decision, 'server', ['', caller, {}, rule, reason])
  })
})

describe('a workload', () => {
  it.each(named(TOOL_OF_WORKLOAD))('that is %s', (_what, given) => {
    verifies('AUTH-10.5')
    expectRule(decided(given, ['tool', 'call']), 'tool', given)
    const [, caller, policy, rule, , change] = given
    const lists = createPolicy(everywhere(policy)).lists({
      caller,
      resource: { kind: 'tool', name: 'look' },
      record: record(change),
    })
    expect(lists).toBe(rule === undefined)
  })

  it('changes nothing, whoever names it', () => {
    verifies('AUTH-10.1')
    for (const policy of [
      createPolicy(everywhere({ workloads: 'recorded' })),
      createPolicy(everywhere({ workloads: [NIGHTLY] })),
    ]) {
      const input = { caller: service(NIGHTLY), resource: { kind: 'tool', name: 'change' }, record: record() } as const
      const denied = { allowed: false, rule: 'workload-write', reason: 'a workload may not change anything' }
      expect(policy.decide({ ...input, action: 'call' })).toEqual(denied)
      expect(policy.lists(input)).toBe(false)
    }
  })

  it('reads no prompt and no resource, and nothing of the server’s own unless its text says so', () => {
    verifies('AUTH-10.5')
    const cedar = `@id("freshness") permit (principal == Workload::"${NIGHTLY}", action == Action::"read", resource is Resource);`
    const policy = createPolicy({ ...everywhere({ workloads: 'recorded' }), cedar })
    const read = (kind: string, spiffeId = NIGHTLY) =>
      policy.decide({ caller: service(spiffeId), action: 'read', resource: { kind, name: 'look' }, record: record() })
    expect(read('prompt')).toMatchObject({ allowed: false, rule: 'default' })
    expect(read('resource')).toMatchObject({ allowed: false, rule: 'default' })
    expect(read('table')).toMatchObject({ allowed: true, rule: 'freshness' })
    expect(read('table', PROBER)).toMatchObject({ allowed: false, rule: 'default' })
  })

  it('sees the server if it is recorded, and calls nothing where no policy is known', () => {
    const policy = createPolicy()
    const decide = (
      spiffeId: string,
      action: 'list' | 'call',
      resource: { kind: 'server' } | { kind: 'tool'; name: string },
    ) => policy.decide({ caller: service(spiffeId), action, resource, record: record() })
    expect(decide(NIGHTLY, 'list', { kind: 'server' }).allowed).toBe(true)
    expect(decide(STRANGER, 'list', { kind: 'server' })).toMatchObject({ allowed: false, rule: 'server-workload' })
    expect(decide(NIGHTLY, 'call', { kind: 'tool', name: 'look' })).toMatchObject({ rule: 'tool-workload' })
  })
})

describe('what lacks a scope alone', () => {
  const policy = createPolicy({
    ...everywhere({ scopes: ['a'], roles: ['r'] }),
    cedar: '@id("not-bob") @reason("bob may not") forbid (principal == User::"bob", action, resource);',
  })
  const of = { resource: { kind: 'tool', name: 'look' }, record: record() } as const

  it('is listed, and denied at the call', () => {
    verifies('AUTH-8.1')
    const caller = person({ roles: ['r'] })
    expect(policy.lists({ ...of, caller })).toBe(true)
    expect(policy.decide({ ...of, caller, action: 'call' }).rule).toBe('tool-policy-scopes')
  })

  it('is not, when something else lacks as well', () => {
    expect(policy.lists({ ...of, caller: person() })).toBe(false)
    const bob = person({ subject: 'bob', roles: ['r'] })
    expect(policy.lists({ ...of, caller: bob })).toBe(false)
    expect(policy.decide({ ...of, caller: bob, action: 'call' })).toMatchObject({
      rule: 'not-bob',
      reason: 'bob may not; ask #demo-help',
    })
  })
})
