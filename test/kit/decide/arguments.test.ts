import type { ArgumentCondition } from '@gatehouse/contracts'
import { createPolicy } from '@gatehouse/kit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unmetArgument } from '../../../companion/packages/kit/src/decide/arguments.ts'
import { verifies } from '../../requirements.ts'
import { NIGHTLY, person, record, service } from './given.ts'

type Values = Record<string, unknown>

function call(conditions: Record<string, ArgumentCondition>, args: Values | undefined, caller = person()) {
  const policy = createPolicy({ tools: { look: { arguments: conditions } } })
  return policy.decide({
    caller,
    action: 'call',
    resource: { kind: 'tool', name: 'look' },
    record: record(),
    arguments: args,
  })
}
const onTable = (like: string[], args: Values | undefined) => call({ table: { like } }, args)

const CASES: readonly [like: string[], args: Values | undefined, allowed: boolean][] = [
  [['ads.*', 'tpch.*'], { table: 'ads.revenue' }, true],
  [['ads.*', 'tpch.*'], { table: 'tpch.orders' }, true],
  [['ads.*', 'tpch.*'], { table: 'hr.salaries' }, false],
  [['ads.*'], { table: 'xads.revenue' }, false],
  [['ads.*'], { table: 'ADS.revenue' }, false],
  [['ads.*'], { table: 'ads' }, false],
  [['ads.*'], { table: 'ads.' }, true],
  [['ads.*'], { table: 'ads.a\nb' }, true],
  [['ads.*'], { table: '' }, false],
  [['ads.*'], {}, true],
  [['ads.*'], undefined, true],
  [['ads.*'], { table: undefined }, true],
  [['ads.*'], { table: null }, false],
  [['ads.*'], { table: ['ads.revenue'] }, false],
  [['*'], { table: ['ads.revenue'] }, false],
  [['*'], { table: { toString: 'ads.revenue' } }, false],
  [['*'], { table: '' }, true],
  [['1*'], { table: 12 }, true],
  [['true'], { table: true }, true],
  [['true'], { table: false }, false],
  [['a*b*c'], { table: 'a-b-b-c' }, true],
  [['a*b*c'], { table: 'a-c' }, false],
  [['a*a'], { table: 'a' }, false],
  [['**'], { table: 'x' }, true],
  [['a.b', 'a?c'], { table: 'axb' }, false],
  [['a?c'], { table: 'a?c' }, true],
  [['(.*)+$'], { table: '(xx)+$' }, false],
  [['(.*)+$'], { table: '(.xx)+$' }, true],
  [[], { table: 'x' }, false],
  [[], {}, true],
  [['ads.*'], { other: 'x' }, true],
  [['\u{1F600}*'], { table: '\u{1F600}x' }, true],
  [['ads.*'], { table: 'ads.\uD800' }, true],
]

describe('a condition on an argument', () => {
  it.each(CASES)('%j of %j', (like, args, allowed) => {
    verifies('AUTH-8.6')
    expect(onTable(like, args)).toMatchObject({ allowed, rule: allowed ? 'user-tool' : 'tool-arguments' })
  })

  it('is told with what may be given', () => {
    verifies('AUTH-8.3')
    expect(onTable(['ads.*', 'tpch.*'], { table: 'x' }).reason).toBe(
      'the argument table must be one of ads.*, tpch.*; ask #demo-help',
    )
    expect(onTable(['ads.*'], { table: 'x' }).reason).toBe('the argument table must be ads.*; ask #demo-help')
    expect(onTable([], { table: 'x' }).reason).toBe('the argument table may not be given; ask #demo-help')
  })

  it('does not hold for those in its groups, and holds for every workload', () => {
    const conditions = { table: { like: ['ads.*'], unlessGroups: ['auditors'] }, limit: { like: ['1', '10'] } }
    const auditor = person({ groups: ['ads', 'auditors'] })
    expect(call(conditions, { table: 'x' }).allowed).toBe(false)
    expect(call(conditions, { table: 'x' }, auditor).allowed).toBe(true)
    expect(call(conditions, { table: 'x', limit: 11 }, auditor).reason).toContain('the argument limit must be')
    const policy = createPolicy({ tools: { look: { workloads: 'recorded', arguments: conditions } } })
    const of = { action: 'call', resource: { kind: 'tool', name: 'look' }, record: record() } as const
    expect(policy.decide({ ...of, caller: service(NIGHTLY), arguments: { table: 'x' } }).rule).toBe('tool-arguments')
    expect(policy.decide({ ...of, caller: service(NIGHTLY), arguments: { table: 'ads.x' } }).allowed).toBe(true)
  })

  it('names one argument with the name of a property that every object has', () => {
    for (const name of ['constructor', 'toString', '__proto__']) {
      const conditions = JSON.parse(`{ ${JSON.stringify(name)}: { "like": ["a"] } }`) as Record<
        string,
        ArgumentCondition
      >
      const given = (value: string) => JSON.parse(`{ ${JSON.stringify(name)}: ${JSON.stringify(value)} }`) as Values
      expect(call(conditions, {}).allowed).toBe(true)
      expect(call(conditions, given('b')).allowed).toBe(false)
      expect(call(conditions, given('a')).allowed).toBe(true)
    }
  })

  it('comes after who may call at all, whose answer it does not change', () => {
    const outsider = person({ groups: [] })
    const conditions = { table: { like: ['ads.*'] } }
    expect(call(conditions, { table: 'x' }, outsider)).toEqual(call(conditions, undefined, outsider))
  })

  it('is matched as a regular expression with its star alone would be', () => {
    const piece = fc.constantFrom('a', 'b', 'ab', '*', '.', '\\')
    const pattern = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''))
    const text = fc.array(fc.constantFrom('a', 'b', '.', '\\'), { maxLength: 8 }).map((pieces) => pieces.join(''))
    fc.assert(
      fc.property(pattern, text, (like, value) => {
        const policy = { arguments: { table: { like: [like] } } }
        const unmet = unmetArgument(policy, person(), { table: value })
        const literal = like.split('*').map((part) => part.replace(/[.\\]/g, '\\$&'))
        expect(unmet === undefined).toBe(new RegExp(`^${literal.join('[^]*')}$`).test(value))
      }),
      { numRuns: 2_000 },
    )
  })
})

describe("the server's own text", () => {
  const policy = createPolicy({
    tools: { look: {} },
    cedar: `
      @id("hr") @reason("tables of hr are for finance")
      forbid (principal, action == Action::"call", resource is Tool)
        when { resource.name == "look" && context has arguments && context.arguments.hasTag("table") && context.arguments.getTag("table") like "hr.*" }
        unless { principal in Group::"finance" };
      @id("small") @reason("needs a limit of 10")
      forbid (principal, action == Action::"call", resource is Tool)
        when { context has arguments } unless { context.arguments.hasTag("limit") && context.arguments.getTag("limit") == "10" };`,
  })
  const call = (args: Values | undefined, groups = ['ads']) =>
    policy.decide({
      caller: person({ groups }),
      action: 'call',
      resource: { kind: 'tool', name: 'look' },
      record: record(),
      arguments: args,
    })

  it('may look at the arguments, of which it knows what is text, number or boolean', () => {
    verifies('AUTH-8.6')
    expect(call(undefined).allowed).toBe(true)
    expect(call({ limit: 10 }).allowed).toBe(true)
    expect(call({ limit: 10, table: 'ads.x' }).allowed).toBe(true)
    expect(call({ limit: 10, table: 'hr.x' })).toEqual({
      allowed: false,
      rule: 'hr',
      reason: 'tables of hr are for finance; ask #demo-help',
    })
    expect(call({ limit: 10, table: 'hr.x' }, ['finance']).allowed).toBe(true)
    expect(call({}).rule).toBe('small')
    expect(call({ limit: [10] }).rule).toBe('small')
  })

  it('is not asked what cannot be told to it: that is a no', () => {
    expect(call({ limit: 10, table: '\uD800' })).toMatchObject({ allowed: false, rule: 'error' })
    expect(call({ limit: 10, table: 'ads.x' }).allowed).toBe(true)
  })
})
