import type { Caller, ServerRecord } from '@gatehouse/contracts'
import { createPolicy } from '@gatehouse/kit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { verifies } from '../requirements.ts'
import { record as given } from './decide/given.ts'

const digest = `sha256:${'0'.repeat(64)}` as const

/** Of the tools alone, the one that writes is for ads. */
function record(change: Partial<ServerRecord> = {}): ServerRecord {
  const [look, write] = given().tools
  if (!look || !write) throw new TypeError('the record has no two tools')
  return given({ workloads: [], prompts: [], resources: [], tools: [look, { ...write, groups: ['ads'] }], ...change })
}

function person(groups: string[], change: Partial<Extract<Caller, { kind: 'user' }>> = {}): Caller {
  return { kind: 'user', subject: 'ada', groups, client: 'cli', surface: 'cli', ...change }
}
const workload: Caller = { kind: 'workload', spiffeId: 'spiffe://example.com/prober' }
const look = { kind: 'tool', name: 'look' } as const
const change = { kind: 'tool', name: 'change' } as const

describe('the record', () => {
  const policy = createPolicy()
  const call = (caller: Caller, resource: Parameters<typeof policy.decide>[0]['resource'], of = record()) =>
    policy.decide({ caller, action: 'call', resource, record: of })

  it('admits those in one of its groups', () => {
    expect(call(person(['finance']), look)).toMatchObject({ allowed: true, rule: 'user-tool' })
    expect(call(person(['finance']), { kind: 'server' }).allowed).toBe(true)
  })

  it('denies others and says what is needed and whom to ask', () => {
    expect(call(person(['infra']), look)).toEqual({
      allowed: false,
      rule: 'server-groups',
      reason: 'needs one of the groups ads, finance; ask #demo-help',
    })
  })

  it('answers one caller anew under another record, and under another policy', () => {
    const ada = person(['finance'])
    const [wide, narrow] = [record(), record({ groups: ['ads'] })]
    expect(call(ada, look, wide).allowed).toBe(true)
    expect(call(ada, look, wide)).toBe(call(ada, look, wide))
    expect(call(ada, look, narrow)).toMatchObject({ allowed: false, rule: 'server-groups' })
    expect(call(ada, look, wide).allowed).toBe(true)
    const stricter = createPolicy({ tools: { look: { groups: ['ads'] } } })
    const input = { caller: ada, action: 'call', resource: look, record: wide } as const
    expect(stricter.decide(input)).toMatchObject({ allowed: false, rule: 'tool-policy-groups' })
  })

  it('does not take one name for another, whatever they hold', () => {
    const ada = person(['ads'])
    const odd = createPolicy({
      cedar: '@id("t") permit (principal, action, resource is Resource) when { resource.kind == "a b" };',
    })
    const read = (resource: { kind: string; name: string }) =>
      odd.decide({ caller: ada, action: 'read', resource, record: record() }).allowed
    expect(read({ kind: 'a b', name: 'c' })).toBe(true)
    expect(read({ kind: 'a', name: 'b c' })).toBe(false)
  })

  it('says nothing of a server that is not discoverable', () => {
    const decision = call(person([]), look, record({ discoverable: false }))
    expect(decision.allowed).toBe(false)
    expect(decision.reason).toBe('not available')
  })

  it('denies everyone when it is not listed, and when it names no group', () => {
    expect(call(person(['ads']), look, record({ status: 'suspended' }))).toMatchObject({
      allowed: false,
      rule: 'server-listed',
    })
    expect(call(person(['ads']), look, record({ status: 'retired' })).allowed).toBe(false)
    expect(call(person(['ads']), look, record({ groups: [] })).allowed).toBe(false)
  })

  it('denies other surfaces and other channels', () => {
    expect(call(person(['ads'], { surface: 'web' }), look)).toMatchObject({ allowed: false, rule: 'server-surface' })
    const channels = record({ channels: ['#ads'] })
    expect(call(person(['ads'], { channel: '#random' }), look, channels)).toMatchObject({
      allowed: false,
      rule: 'server-channel',
    })
    expect(call(person(['ads'], { channel: '#ads' }), look, channels).allowed).toBe(true)
  })

  it('denies a tool to those outside its own groups, and a tool that it does not have', () => {
    expect(call(person(['finance']), change)).toMatchObject({
      rule: 'tool-groups',
      reason: 'needs the group ads; ask #demo-help',
    })
    expect(call(person(['ads']), change).allowed).toBe(true)
    expect(call(person(['ads']), { kind: 'tool', name: 'other' })).toMatchObject({
      allowed: false,
      rule: 'tool-recorded',
    })
  })
})

describe("the tools' policies", () => {
  const policy = createPolicy({ tools: { look: { groups: ['ads', 'infra'] }, change: { surfaces: ['ide'] } } })
  const call = (caller: Caller, name: string) =>
    policy.decide({ caller, action: 'call', resource: { kind: 'tool', name }, record: record() })

  it('narrow the record and never widen it', () => {
    expect(call(person(['ads']), 'look').allowed).toBe(true)
    expect(call(person(['finance']), 'look')).toMatchObject({ allowed: false, rule: 'tool-policy-groups' })
    expect(call(person(['infra']), 'look')).toMatchObject({ allowed: false, rule: 'server-groups' })
    expect(call(person(['ads']), 'change')).toMatchObject({ allowed: false, rule: 'tool-policy-surface' })
  })

  it('deny a recorded tool without one, whatever its name', () => {
    for (const name of ['other', 'constructor', '__proto__']) {
      const withTool = record({ tools: [{ name, digest, effect: 'read', groups: [], minutesSaved: 0 }] })
      expect(
        policy.decide({ caller: person(['ads']), action: 'call', resource: { kind: 'tool', name }, record: withTool })
          .allowed,
      ).toBe(false)
    }
  })
})

describe.each(['prompt', 'resource'] as const)('a %s', (kind) => {
  const open = { name: 'open', digest, groups: [] }
  const narrow = { name: 'narrow', digest, groups: ['ads'] }
  const of = record(kind === 'prompt' ? { prompts: [open, narrow] } : { resources: [open, narrow] })
  const own = { open: {}, narrow: {}, unrecorded: {} }
  const policy = createPolicy({ tools: {}, [`${kind}s`]: own })
  const read = (caller: Caller, name: string, action: 'read' | 'list' | 'call' = 'read', by = policy) =>
    by.decide({ caller, action, resource: { kind, name }, record: of })

  it('is listed and read by those whom the record admits, and never called', () => {
    verifies('SRV-KIT.13', 'AUTH-8.1')
    expect(read(person(['finance']), 'open')).toMatchObject({ allowed: true, rule: `user-${kind}` })
    expect(read(person(['finance']), 'open', 'list').allowed).toBe(true)
    expect(read(person(['finance']), 'open', 'call').allowed).toBe(false)
    expect(read(person(['infra']), 'open')).toMatchObject({ allowed: false, rule: 'server-groups' })
    expect(read(person(['finance']), 'narrow')).toMatchObject({
      allowed: false,
      rule: `${kind}-groups`,
      reason: 'needs the group ads; ask #demo-help',
    })
    expect(read(workload, 'open').allowed).toBe(false)
  })

  it('without a policy, or that the record does not name, is denied', () => {
    verifies('SRV-KIT.13', 'AUTH-8.2')
    for (const [name, by] of [
      ['unrecorded', policy],
      ['__proto__', policy],
      ['open', createPolicy({ [`${kind}s`]: {} })],
    ] as const) {
      expect(read(person(['ads']), name, 'read', by)).toMatchObject({ allowed: false, rule: `${kind}-recorded` })
    }
    expect(read(person(['ads']), 'open', 'read', createPolicy()).allowed).toBe(true)
  })

  it('is narrowed by its own policy and by the server’s text, and never widened', () => {
    verifies('SRV-KIT.13')
    const stricter = createPolicy({ [`${kind}s`]: { open: { groups: ['ads'], surfaces: ['ide'] } } })
    expect(read(person(['finance'], { surface: 'ide' }), 'open', 'read', stricter).rule).toBe(`${kind}-policy-groups`)
    expect(read(person(['ads']), 'open', 'read', stricter).rule).toBe(`${kind}-policy-surface`)
    const greedy = createPolicy({ [`${kind}s`]: own, cedar: 'permit (principal, action, resource);' })
    expect(read(person(['finance']), 'narrow', 'read', greedy).allowed).toBe(false)
    expect(read(person(['ads']), 'unrecorded', 'read', greedy).allowed).toBe(false)
  })
})

describe("the server's own text", () => {
  const cedar = `
    @id("tables") permit (principal is User, action == Action::"read", resource is Resource) when { resource.kind == "table" };
    @id("ads-tables") @reason("only the ads team may read it")
    forbid (principal, action, resource is Resource) when { resource.name like "ads.*" } unless { principal in Group::"ads" };
    @id("greedy") permit (principal, action, resource);
    @id("not-bob") forbid (principal == User::"bob", action, resource);`
  const policy = createPolicy({ tools: { look: {} }, cedar })
  const read = (caller: Caller, name: string, of = record()) =>
    policy.decide({ caller, action: 'read', resource: { kind: 'table', name }, record: of })

  it("decides the server's own resources", () => {
    expect(read(person(['finance']), 'tpch.orders').allowed).toBe(true)
    expect(read(person(['ads']), 'ads.revenue').allowed).toBe(true)
    expect(read(person(['finance']), 'ads.revenue')).toEqual({
      allowed: false,
      rule: 'ads-tables',
      reason: 'only the ads team may read it; ask #demo-help',
    })
  })

  it('cannot widen the record, whatever it permits', () => {
    expect(read(person(['infra']), 'tpch.orders')).toMatchObject({ allowed: false, rule: 'server-groups' })
    expect(read(person(['ads']), 'tpch.orders', record({ status: 'suspended' })).allowed).toBe(false)
    expect(policy.decide({ caller: workload, action: 'call', resource: change, record: record() }).allowed).toBe(false)
  })

  it('can name a person, whose answer is not shared with another', () => {
    expect(read(person(['ads'], { subject: 'ada' }), 'tpch.orders').allowed).toBe(true)
    expect(read(person(['ads'], { subject: 'bob' }), 'tpch.orders')).toMatchObject({ allowed: false, rule: 'not-bob' })
  })

  it('is what a resource needs: without it, no', () => {
    expect(
      createPolicy().decide({
        caller: person(['ads']),
        action: 'read',
        resource: { kind: 'table', name: 't' },
        record: record(),
      }),
    ).toMatchObject({
      allowed: false,
      rule: 'default',
    })
  })

  it('is refused when it does not parse or does not fit the schema', () => {
    expect(() => createPolicy({ cedar: 'permit (' })).toThrow(expect.objectContaining({ code: 'policy_invalid' }))
    expect(() =>
      createPolicy({ cedar: 'permit (principal, action, resource) when { resource.colour == "red" };' }),
    ).toThrow(expect.objectContaining({ code: 'policy_invalid' }))
    expect(() => createPolicy({ cedar: '@id("server-groups") permit (principal, action, resource);' })).toThrow(
      expect.objectContaining({ code: 'policy_invalid' }),
    )
  })

  it('denies when it cannot be evaluated', () => {
    const overflow = createPolicy({
      cedar: 'forbid (principal, action, resource) when { 9223372036854775807 + 1 > 0 };',
    })
    expect(
      overflow.decide({ caller: person(['ads']), action: 'call', resource: look, record: record() }),
    ).toMatchObject({
      allowed: false,
      rule: 'error',
    })
  })
})

it('never allows what the record does not, for any caller', () => {
  const policy = createPolicy({ tools: { look: {}, change: {} }, cedar: 'permit (principal, action, resource);' })
  const group = fc.constantFrom('ads', 'finance', 'infra', 'x')
  fc.assert(
    fc.property(
      fc.uniqueArray(group),
      fc.uniqueArray(group),
      fc.constantFrom('ide' as const, 'web' as const, 'service' as const),
      fc.constantFrom('listed' as const, 'suspended' as const),
      (mine, theirs, surface, status) => {
        const of = record({ groups: theirs, surfaces: ['ide'], status })
        const { allowed } = policy.decide({
          caller: person(mine, { surface }),
          action: 'call',
          resource: look,
          record: of,
        })
        expect(allowed).toBe(status === 'listed' && surface === 'ide' && mine.some((item) => theirs.includes(item)))
      },
    ),
  )
})
