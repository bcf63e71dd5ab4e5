import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifies } from '../../requirements.ts'
import { until } from '../../support/fixture-world.ts'
import type { Attack, Control, Era, Meanwhile } from './attack.ts'
import { ATTACKS, CONTROLS } from './cases.ts'
import { ANSWERS } from './cases/answers.ts'
import { auditOf, type Range, type Site, startRange, WORKLOAD } from './range.ts'
import { approve, codeOf, fire, statesOf } from './shot.ts'

let range: Range
let serial = 0
beforeAll(async () => {
  range = await startRange()
}, 120_000)
afterAll(() => range.stop(), 60_000)

const inEras = <T extends Control>(cases: readonly T[], eras: readonly Era[]) =>
  cases.flatMap((one) => (one.eras ?? eras).map((era) => [one.id, era, one] as const))
const siteOf = (one: Control): Site => (one.tool === 'execute_statement' ? range.presto : range.site)

it(`has ${ATTACKS.reduce((sum, [, cases]) => sum + cases.length, 0)} attacks, each another`, () => {
  const ids = ATTACKS.flatMap(([family, cases]) => cases.map(({ id }) => `${family}: ${id}`))
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.length).toBeGreaterThanOrEqual(120)
})

describe.each(CONTROLS)('the approved call, %s', (_family, controls) => {
  it.each(inEras(controls, ['modern', 'legacy']))('%s (%s): runs', async (_id, era, control) => {
    verifies('SRV-KIT.4', 'SRV-KIT.9')
    const site = siteOf(control)
    const before = await rows(site)
    const answer = await fire(range, site, approve(control, site, ++serial), control, era)
    expect(codeOf(answer), answer.body).toBeUndefined()
    expect((await rows(site)).count).toBe(before.count + 1)
  })
})

it('answers a question that was asked, so that states are refused for what is wrong with them', async () => {
  const { called, params = '', meta = '' } = ANSWERS.find(({ id }) => id === 'a state of another person') ?? {}
  const question = { id: 'asked', called, params, meta, sent: '{"line":"one"}', asked: {} } as Control
  const states = await statesOf(range, range.site, question)
  const answer = await fire(range, range.site, approve(question, range.site, ++serial), question, 'modern', states)
  expect(codeOf(answer), answer.body).toBeUndefined()
  expect(answer.body).toContain('"sure":true')
})

/** Calls at once, one approval: over one server, over two replicas, with the same claims signed again, with the id under other arguments. */
const RACES: readonly (readonly [string, readonly Omit<Control, 'id'>[], readonly ('site' | 'replica')[]])[] = [
  ['on one server', [{}], ['site']],
  ['on two replicas', [{}], ['site', 'replica']],
  ['signed again', [{}, { signed: 'malleated' }], ['site', 'replica']],
  [
    'with other arguments under the same id',
    [{}, { sent: '{"line":"two"}', claims: { args: { of: 'arguments as sent' } } }],
    ['site', 'replica'],
  ],
]
it.each(RACES)('of twenty calls that race %s, one runs', async (_id, variants, places) => {
  verifies('SRV-KIT.5', 'OBS-2.1')
  const { site } = range
  const approval = approve({ id: 'race' }, site, ++serial)
  const before = await rows(site)
  const starts = { site: site.registry.audit.length, replica: range.replica.registry.audit.length }
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => {
      const place = places[index % places.length] ?? 'site'
      return fire(range, range[place], approval, variants[(index >> 1) % variants.length] ?? {}, 'modern')
    }),
  )
  expect((await rows(site)).count).toBe(before.count + 1)
  expect(answers.map(codeOf).filter((code) => code === undefined)).toHaveLength(1)
  expect(answers.map(codeOf).filter((code) => code === 'approval_replayed')).toHaveLength(19)
  await until(() => {
    const events = places.flatMap((place) => auditOf(range[place], starts[place], 'approval_replayed'))
    return events.length === 19
  })
})

describe.each(ATTACKS)('%s', (_family, attacks, eras) => {
  it.each(inEras(attacks, eras))('%s (%s)', { timeout: 60_000 }, async (_id, era, attack) => {
    verifies('SRV-KIT.4', 'OBS-2.1', 'OBS-2.2')
    const site = siteOf(attack)
    const approval = approve(attack, site, ++serial, LIVES[attack.meanwhile ?? 'used'])
    const used = attack.meanwhile?.startsWith('used') ?? false
    const genuine = () => fire(range, site, approval, {}, era)
    if (used) await runsOnce(site, genuine)
    const states = await statesOf(range, site, attack)

    const before = await rows(site)
    await meanwhile(attack.meanwhile, site, async (at, refused) => {
      const recorded = at.registry.audit.length
      const attempt = fire(range, at, approval, attack, era, states)
      await refused
      const answer = await attempt
      expect(codeOf(answer), answer.body).toBe(attack.refused.code)
      expect(answer.status).toBe(attack.refused.status ?? 200)
      expect(answer.body.includes('kept as')).toBe(attack.refused.told ?? false)
      expect(await rows(site)).toEqual(before)
      await recordedOnce(at, recorded, attack, answer.secrets)
    })
    // The attack has used nothing up: what was approved still runs, once.
    if (attack.meanwhile === undefined) await runsOnce(site, genuine)
  })
})

async function runsOnce(site: Site, genuine: () => ReturnType<typeof fire>): Promise<void> {
  const before = await rows(site)
  const answer = await genuine()
  expect(codeOf(answer), answer.body).toBeUndefined()
  expect((await rows(site)).count).toBe(before.count + 1)
}

async function recordedOnce(site: Site, start: number, attack: Attack, secrets: readonly string[]): Promise<void> {
  await until(() => auditOf(site, start, attack.refused.code).length > 0)
  const events = auditOf(site, start, attack.refused.code)
  expect(events).toHaveLength(1)
  const [event] = events
  const stranger = [401, 403, 503].includes(attack.refused.status ?? 200) && attack.refused.code !== 'denied'
  const subject = attack.sender === 'a workload' ? WORKLOAD : attack.sender?.startsWith('finn') ? 'finn' : 'ada'
  expect(event?.caller).toEqual(stranger ? undefined : expect.objectContaining({ kind: 'user', subject }))
  for (const secret of secrets) expect(JSON.stringify(event)).not.toContain(secret)
}

async function rows(site: Site): Promise<{ count: number; digest: string }> {
  if (site !== range.presto) return range.target.rows()
  const sql =
    'SELECT count(*), sum(planned_amount), min(note), max(note), count(DISTINCT note) FROM sandbox.budget_plan'
  const answer = await fire(
    range,
    site,
    approve({ id: 'rows', tool: 'execute_statement', approved: JSON.stringify({ sql }) }, site, 0),
    { called: 'run_query', meta: '' },
    'modern',
  )
  const result = JSON.parse(answer.body.replace(/^[\s\S]*?data: /, '')) as {
    result: { structuredContent: { rows: unknown[][] } }
  }
  const [row] = result.result.structuredContent.rows
  return { count: Number(row?.[0]), digest: JSON.stringify(row) }
}

/** Seconds that a receipt lives which is to expire in the meantime. */
const LIVES: Partial<Record<Meanwhile, number>> = {
  'the receipt expired': 2,
  'the receipt expired while the ledger was locked': 3,
}

/** Makes the world what it has become when the attack is tried, and what it was when it is over. */
async function meanwhile(
  what: Meanwhile | undefined,
  site: Site,
  attack: (at: Site, ready: Promise<void>) => Promise<void>,
): Promise<void> {
  const now = Promise.resolve()
  switch (what) {
    case undefined:
    case 'used':
      return attack(site, now)
    case 'used, and the server restarted':
    case 'the server restarted':
      await restart(site)
      return attack(site, now)
    case 'used at another replica':
      return attack(range.replica, now)
    case 'the description of the tool changed':
      await restart(site, { definition: range.target.server('Keeps a line, and tells everybody') })
      await attack(site, now)
      return restart(site)
    case 'the server was suspended':
    case 'the record ran out':
      await restart(site, { life: 3 })
      site.registry.answer({ kind: what === 'the record ran out' ? 'broken' : 'suspended' })
      await until(async () => !(await site.ready()))
      await attack(site, now)
      return restart(site)
    case 'the receipt expired':
      await past(2)
      return attack(site, now)
    case 'the receipt expired while the ledger was locked': {
      const locked = Promise.withResolvers<void>()
      const expired = range.target.withLedgerLocked(async () => {
        locked.resolve()
        await past(4)
      })
      await locked.promise
      await attack(site, expired)
    }
  }
}

async function restart(site: Site, options?: Parameters<Site['start']>[0]): Promise<void> {
  await site.stop()
  range.forgetSessions(site)
  await site.start(options)
}

/** A receipt's times are whole seconds. */
function past(seconds: number): Promise<void> {
  const end = (Math.floor(Date.now() / 1000) + seconds) * 1000
  return until(() => Date.now() > end)
}
