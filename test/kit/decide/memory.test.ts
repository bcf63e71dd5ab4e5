import { AccessPolicy, type Caller, type ServerRecord, type SurfaceName } from '@gatehouse/contracts'
import { createPolicy, type DecisionInput } from '@gatehouse/kit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unmetArgument } from '../../../companion/packages/kit/src/decide/arguments.ts'
import { createCedarEngine } from '../../../companion/packages/kit/src/decide/cedar.ts'
import { isScopeRule, ruleToName } from '../../../companion/packages/kit/src/decide/reasons.ts'
import { requestOf } from '../../../companion/packages/kit/src/decide/request.ts'
import { verifies } from '../../requirements.ts'
import { NIGHTLY, person, PROBER, record, STRANGER } from './given.ts'

const some = <T>(items: readonly T[]) => fc.subarray([...items])
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const GROUPS = ['ads', 'finance', 'lead']
const CHANNELS = ['#ads', '#x']
const SURFACES: SurfaceName[] = ['ide', 'cli', 'team-chat', 'web']
const WORKLOADS = [NIGHTLY, PROBER, STRANGER]

/** Leaves out what is undefined, as a record that came as JSON does. */
const given = <T extends object>(value: T) => JSON.parse(JSON.stringify(value)) as T

const policy: fc.Arbitrary<AccessPolicy> = fc
  .record({
    groups: maybe(some(GROUPS)),
    roles: maybe(some(['r', 's'])),
    scopes: maybe(some(['a', 'b'])),
    surfaces: maybe(some(SURFACES)),
    channels: maybe(some(CHANNELS)),
    workloads: maybe(fc.oneof(fc.constant('recorded'), some(WORKLOADS))),
    arguments: maybe(
      fc.record({ table: fc.record({ like: some(['ads.*', '*']), unlessGroups: maybe(some(GROUPS)) }) }),
    ),
  })
  .map((value) => AccessPolicy.parse(given(value)))

const caller: fc.Arbitrary<Caller> = fc.oneof(
  fc.record({ kind: fc.constant('workload' as const), spiffeId: fc.constantFrom(...WORKLOADS) }),
  fc
    .record({
      subject: fc.constantFrom('ada', 'bob'),
      groups: some(GROUPS),
      roles: maybe(some(['r', 's'])),
      scopes: maybe(some(['a', 'b'])),
      surface: fc.constantFrom(...SURFACES),
      channel: maybe(fc.constantFrom(...CHANNELS)),
      client: fc.constantFrom('one', 'two'),
    })
    .map((change) => person(given(change))),
)

const recorded: fc.Arbitrary<ServerRecord> = fc
  .record({
    groups: some(GROUPS),
    surfaces: fc.subarray(SURFACES, { minLength: 1 }),
    channels: some(CHANNELS),
    status: fc.constantFrom('listed' as const, 'listed' as const, 'suspended' as const),
    discoverable: fc.boolean(),
    workloads: fc.array(
      fc.record({ spiffeId: fc.constantFrom(...WORKLOADS), tools: fc.subarray(['look', 'change'], { minLength: 1 }) }),
      { maxLength: 2 },
    ),
    toolGroups: some(GROUPS),
  })
  .map(({ toolGroups, ...change }) => {
    const base = record(change)
    return { ...base, tools: base.tools.map((tool) => ({ ...tool, groups: toolGroups })) }
  })

const asked = fc.record({
  action: fc.constantFrom('list' as const, 'call' as const, 'read' as const),
  resource: fc.oneof(
    fc.constant({ kind: 'server' as const }),
    fc.record({
      kind: fc.constantFrom('tool', 'tool', 'prompt', 'resource', 'table'),
      name: fc.constantFrom('look', 'change', 'other'),
    }),
  ),
  arguments: maybe(fc.record({ table: fc.constantFrom<unknown>('ads.x', 'hr.x', 7, null, ['ads.x']) })),
})

const TEXTS: readonly [what: string, cedar: string | undefined][] = [
  ['no text of the server’s own', undefined],
  [
    'a text about its own things',
    '@id("tables") permit (principal is User, action, resource is Resource) when { resource.name == "look" } unless { principal in Group::"lead" };',
  ],
  [
    'a text about its tools and their arguments',
    '@id("no-hr") forbid (principal, action, resource is Tool) when { context has arguments && context.arguments.hasTag("table") && context.arguments.getTag("table") like "hr*" };',
  ],
  [
    'a text that names a person and a client',
    `@id("bob") forbid (principal == User::"bob", action, resource);
     @id("two") forbid (principal is User, action, resource) when { principal.client == "two" && principal.scopes.contains("a") };`,
  ],
]

describe.each(TEXTS)('with %s', (_what, cedar) => {
  it('what is remembered is what Cedar says of the very question', () => {
    verifies('AUTH-8.1', 'AUTH-8.2')
    const engine = createCedarEngine(cedar ?? '', '')
    fc.assert(
      fc.property(
        policy,
        fc.array(recorded, { minLength: 1, maxLength: 2 }),
        fc.array(caller, { minLength: 1, maxLength: 4 }),
        fc.array(asked, { minLength: 1, maxLength: 12 }),
        (one, records, callers, questions) => {
          const options = { tools: { look: one, change: one }, prompts: { look: one }, cedar }
          const remembering = createPolicy(options)
          /** Each question anew, without arguments first, by Cedar alone. */
          const anew = (input: DecisionInput, args?: DecisionInput['arguments']) => {
            const { kind } = input.resource
            const policies: Record<string, AccessPolicy> | undefined =
              kind === 'tool' ? options.tools : kind === 'prompt' ? options.prompts : undefined
            const own = 'name' in input.resource ? policies?.[input.resource.name] : undefined
            const verdict = engine.evaluate(
              requestOf({
                ...input,
                name: input.caller.kind === 'user' ? input.caller.subject : input.caller.spiffeId,
                policy: own,
                policiesKnown: policies !== undefined,
                ownTypes: engine.ownTypes,
                argumentsAllowed: unmetArgument(own, input.caller, args) === undefined,
                arguments: args,
              }),
            )
            return verdict.allowed ? 'allowed' : ruleToName(verdict.rules)
          }
          for (const record of records)
            for (const caller of callers)
              for (const question of questions) {
                const input = { ...question, caller, record }
                const first = anew(input)
                const last =
                  first === 'allowed' && question.action === 'call' && question.arguments
                    ? anew(input, question.arguments)
                    : first
                const { allowed, rule, reason } = remembering.decide(input)
                expect([question, allowed ? 'allowed' : rule]).toEqual([question, last])
                expect(reason.length).toBeGreaterThan(0)
                const use = question.resource.kind === 'tool' ? 'call' : 'read'
                const usable = anew({ ...input, action: use })
                expect(remembering.lists(input)).toBe(
                  anew({ ...input, action: 'list' }) === 'allowed' && (usable === 'allowed' || isScopeRule(usable)),
                )
              }
        },
      ),
      { numRuns: 20 },
    )
  })
})

it('tells each caller the reason that is about their own question', () => {
  const policy = createPolicy({ tools: { look: { groups: ['x'] }, change: { groups: ['y'] } } })
  const caller = person()
  const why = (name: string) =>
    policy.decide({ caller, action: 'call', resource: { kind: 'tool', name }, record: record() }).reason
  expect([why('look'), why('change')]).toEqual([
    'needs the group x; ask #demo-help',
    'needs the group y; ask #demo-help',
  ])
})
