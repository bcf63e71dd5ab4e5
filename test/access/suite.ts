import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifies } from '../requirements.ts'
import { CALLERS, type CallerSpec } from './callers.ts'
import type { AccessCase, Expected, Use } from './case.ts'
import { ALL_CASES, CASES } from './cases.ts'
import { clausesOf } from './clauses.ts'
import { Clients, type Era } from './client.ts'
import type { Outcome } from './outcome.ts'
import type { Shape } from './shape.ts'
import { type Recorded, Witness } from './witness.ts'

const METHODS = { tool: 'tools/call', prompt: 'prompts/get', resource: 'resources/read' } as const
const LISTS = { tool: 'tools', prompt: 'prompts', resource: 'resources' } as const

/** The whole table against one shape, in both eras; that nothing was left out is its last test. */
export function accessSuite(start: () => Promise<Shape>): void {
  let shape: Shape
  let clients: Clients
  let witness: Witness
  const done = new Set<string>()
  beforeAll(async () => {
    shape = await start()
    clients = new Clients(shape)
    witness = new Witness(shape)
  }, 240_000)
  afterAll(() => shape?.stop(), 120_000)

  describe.each(CASES)('%s', (_family, cases) => {
    const recorded: Recorded[] = []
    it.each(cases.map((one) => [one.id, wordOf(one), one] as const))(
      '%s: %s',
      { timeout: 60_000 },
      async (_id, _word, one) => {
        verifies(
          'AUTH-8.1',
          ...(one.expected.kind === 'refused' ? (['AUTH-8.3', ...clausesOf(one.expected.rule)] as const) : []),
        )
        for (const era of one.eras) recorded.push(...(await check(one, era)))
        done.add(one.id)
      },
    )
    it('has each request in the audit, once', { timeout: 60_000 }, async () => {
      verifies('OBS-2.1')
      await witness.exactly(recorded)
    })
  })

  it(`ran the ${ALL_CASES.length} cases of the table`, () => {
    expect([...done].sort()).toEqual(ALL_CASES.map(({ id }) => id).sort())
  })

  /** @returns the two events that are to be in the audit for it */
  async function check({ caller, server, use, expected }: AccessCase, era: Era): Promise<Recorded[]> {
    const listed = await clients.ask({ caller, server, era, method: listMethod(use) })
    expect(isListed(listed, use), `is in the list (${era})`).toBe(expected.kind === 'allowed' || expected.listed)
    const who = { server, caller: nameOf(CALLERS[caller]) }
    const listing = { ...who, action: 'list', outcome: 'ok' }

    const before = shape.runs.total()
    const outcome = await clients.ask({ caller, server, era, method: METHODS[use.kind], params: paramsOf(use) })
    expect(shape.runs.total() - before, `runs (${era})`).toBe(expected.kind === 'allowed' ? 1 : 0)
    if (expected.kind === 'allowed') {
      expect(outcome, era).toMatchObject({ kind: 'allowed' })
      return [listing, { ...who, action: use.kind === 'tool' ? 'call' : 'read', thing: use.name, outcome: 'ok' }]
    }
    const { code, reason, status, rule } = expected
    expect(outcome, era).toMatchObject({ kind: 'refused', code, reason, ...(shape.kind === 'kit' && { status }) })
    if (isOutside(expected)) {
      expect(listed, era).toMatchObject({ kind: 'refused', code, reason })
      const refused = { server, action: 'refuse', outcome: code, rule }
      const known = code === 'client_unknown' ? refused : { ...who, ...refused }
      return [known, known]
    }
    const thing = status === 403 && use.kind !== 'tool' ? undefined : use.name
    return [listing, { ...who, action: code === 'table_denied' ? 'call' : 'refuse', thing, outcome: code, rule }]
  }
}

/** Refused by the server as a whole, whatever was asked. */
function isOutside({ status, listed }: Expected & { readonly kind: 'refused' }): boolean {
  return status === 403 && !listed
}

function wordOf({ expected }: AccessCase): string {
  return expected.kind === 'allowed' ? 'yes' : expected.code
}

function listMethod({ kind, template }: Use): string {
  return template ? 'resources/templates/list' : `${LISTS[kind]}/list`
}

function isListed(outcome: Outcome, { kind, name, template }: Use): boolean {
  if (outcome.kind === 'refused') return false
  const entries = outcome.result[template ? 'resourceTemplates' : LISTS[kind]] as readonly { readonly name: string }[]
  return entries.some((entry) => entry.name === name)
}

function paramsOf({ kind, name, uri, arguments: args = {} }: Use): Record<string, unknown> {
  if (kind === 'resource') return { uri }
  return { name, arguments: args }
}

function nameOf(spec: CallerSpec): string {
  return spec.kind === 'workload' ? spec.spiffeId : `${spec.person} via ${spec.client}`
}
