import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifies } from '../../requirements.ts'
import type { RawHttp } from '../../support/raw-http.ts'
import type { Shape } from '../shape.ts'
import { Witness } from '../witness.ts'
import type { Attack, Control } from './attack.ts'
import { ATTACKS } from './attacks.ts'
import { HARMLESS } from './headers.ts'
import { sceneSuite } from './scenes.ts'
import { Gun } from './shot.ts'

/** Every attack against one shape: refused with its code, recorded once, and nothing has run; the genuine call runs right before and after. */
export function attackSuite(start: () => Promise<Shape>): void {
  let shape: Shape
  let gun: Gun
  let witness: Witness
  beforeAll(async () => {
    shape = await start()
    gun = await Gun.create(shape)
    witness = new Witness(shape)
  }, 240_000)
  afterAll(() => shape?.stop(), 120_000)

  describe.each(ATTACKS)('%s', (_family, attacks) => {
    it.each(attacks.map((one) => [one.id, one] as const))('%s', { timeout: 60_000 }, (_id, attack) => {
      verifies('AUTH-2.3', 'AUTH-6.1', 'AUTH-6.2', 'AUTH-7.1', 'OBS-2.1')
      const harmless = shape.kind === 'envoy' && attack.refused.harmlessAtEdge
      return witness.resuming(() => (harmless ? changesNothing(attack) : isRefused(attack)))
    })
  })

  describe('what says nothing of who calls', () => {
    it.each(HARMLESS.map((one) => [one.id, one] as const))('%s: changes nothing', { timeout: 60_000 }, (_id, control) =>
      witness.resuming(() => changesNothing(control)),
    )
  })

  sceneSuite(() => ({ shape, gun, witness }))

  async function isRefused(attack: Attack): Promise<void> {
    await runs(attack)
    const before = shape.runs.total()
    const answer = await gun.fire(attack)
    const { code, edgeCode = code, recorded } = attack.refused
    const expected = shape.kind === 'envoy' ? edgeCode : code
    expect(codeOf(answer), answer.text).toBe(expected)
    const used = attack.proof?.used ? 1 : 0
    expect(shape.runs.total()).toBe(before + used)
    await runs(attack)
    const oks = Array.from({ length: 2 + used }, () => 'ok')
    await witness.outcomes([...oks, ...(recorded?.[shape.kind] ?? [expected])])
  }

  /** It runs, once, and for the caller whose token it is. */
  async function changesNothing(control: Omit<Control, 'id'>): Promise<void> {
    const before = shape.runs.of('presto/search')
    const answer = await gun.fire(control)
    expect(codeOf(answer), answer.text).toBeUndefined()
    expect(shape.runs.of('presto/search')).toBe(before + 1)
    const [event] = await witness.outcomes(['ok'])
    expect(event).toMatchObject({ server: 'presto', caller: { subject: 'ada', groups: ['ads'], surface: 'cli' } })
    expect(event?.caller).not.toHaveProperty('channel')
    expect(event?.from).not.toBe('10.0.0.1')
  }

  /** The genuine call of the same client. */
  async function runs({ client }: Pick<Control, 'client'>): Promise<void> {
    const before = shape.runs.total()
    const answer = await gun.fire(client ? { client } : {})
    expect(codeOf(answer), answer.text).toBeUndefined()
    expect(shape.runs.total()).toBe(before + 1)
  }
}

/** Of a refusal; undefined for a call that ran. @throws for what is neither */
export function codeOf(answer: RawHttp): string | undefined {
  if (answer.code !== undefined) return answer.code
  expect(answer.text).toMatch(/"structuredContent":|"ran":/)
  return undefined
}
