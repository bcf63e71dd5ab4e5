import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifies } from '../requirements.ts'
import { CALLERS, type CallerSpec } from './callers.ts'
import type { AccessCase, Use } from './case.ts'
import { ALL_CASES, CASES } from './cases.ts'
import { Clients, type Era } from './client.ts'
import type { Outcome } from './outcome.ts'
import type { Shape } from './shape.ts'
import { Witness } from './witness.ts'

const METHODS = { tool: 'tools/call', prompt: 'prompts/get', resource: 'resources/read' } as const
const LISTS = { tool: 'tools', prompt: 'prompts', resource: 'resources' } as const

/** The whole table against one shape, in both eras; that nothing was left out is its last test. */
export function accessSuite(start: () => Promise<Shape>): void {
  let shape: Shape
  let clients: Clients
  let witness: Witness
  const done = new Set<string>()
  let unfinished = false
  beforeAll(async () => {
    shape = await start()
    clients = new Clients(shape)
    witness = new Witness(shape)
  }, 240_000)
  afterAll(() => shape?.stop(), 120_000)

  describe.each(CASES)('%s', (_family, cases) => {
    it.each(cases.map((one) => [one.id, wordOf(one), one] as const))(
      '%s: %s',
      { timeout: 60_000 },
      async (_id, _word, one) => {
        verifies('AUTH-8.1', 'AUTH-8.3', 'AUTH-9.1', 'AUTH-11.1', 'OBS-2.1')
        if (unfinished) witness.catchUp()
        unfinished = true
        const recorded: object[] = []
        for (const era of one.eras) recorded.push(...(await check(one, era)))
        await witness.exactly(recorded)
        unfinished = false
        done.add(one.id)
      },
    )
  })

  it(`ran the ${ALL_CASES.length} cases of the table, and nothing else was recorded`, async () => {
    expect([...done].sort()).toEqual(ALL_CASES.map(({ id }) => id).sort())
    expect(witness.unexpected()).toEqual([])
  })

  /** @returns the two events that are to be in the audit for it */
  async function check({ caller, server, use, expected }: AccessCase, era: Era): Promise<object[]> {
    const who = expected.kind === 'refused' && expected.code === 'client_unknown' ? {} : callerOf(CALLERS[caller])
    const listed = await clients.ask({ caller, server, era, method: listMethod(use) })
    expect(isListed(listed, use), `is in the list (${era})`).toBe(expected.kind === 'allowed' || expected.listed)
    const asked = { server, ...who, ...(listed.kind === 'allowed' ? { action: 'list' } : refusal(listed.code)) }

    const before = shape.runs.total()
    const outcome = await clients.ask({ caller, server, era, method: METHODS[use.kind], params: paramsOf(use) })
    expect(shape.runs.total() - before, `runs (${era})`).toBe(expected.kind === 'allowed' ? 1 : 0)
    if (expected.kind === 'allowed') {
      expect(outcome, era).toMatchObject({ kind: 'allowed' })
      return [asked, { server, ...who, outcome: 'ok' }]
    }
    const { code, reason, status, rule } = expected
    expect(outcome, era).toEqual({ kind: 'refused', code, reason, status })
    if (rule === undefined) return [asked, { server, ...who, outcome: code }]
    const decision = expect.objectContaining({ allowed: false, rule }) as unknown
    return [asked, { server, ...who, ...refusal(code), decision }]
  }
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

function callerOf(spec: CallerSpec): { caller: object } {
  if (spec.kind === 'workload') return { caller: { kind: 'workload', spiffeId: spec.spiffeId } }
  return { caller: { kind: 'user', subject: spec.person, client: spec.client } }
}

function refusal(outcome: string): object {
  return { action: 'refuse', outcome }
}
