import { describe, expect, test } from 'vitest'
import { argumentView, decidableSteps, plansState } from '../../src/editor/plan-view.ts'
import { PlansState } from '../../src/messages.ts'
import { verifies } from '../requirements.ts'
import { sampleEntry, sampleStep } from './sample-plan.ts'

const options = { now: 0, subject: 'ada', titleOf: (id: string) => (id === 'presto' ? 'Presto' : undefined) }

describe('the view of plans', () => {
  test('is a message that the page accepts', () => {
    const state = plansState([sampleEntry([sampleStep()], [])], options)
    expect(PlansState.parse(state)).toEqual(state)
  })

  test('holds every argument in full, strings as they are', () => {
    verifies('EDIT-3.1')
    const sql = `SELECT '${'x'.repeat(100_000)}'\n-- end`
    expect(argumentView('sql', sql)).toEqual({
      name: { text: 'sql', hidden: 0 },
      format: 'sql',
      value: { text: sql, hidden: 0 },
    })
    expect(argumentView('limit', 10).value.text).toBe('10')
    expect(argumentView('nested', { a: [1, null] }).value.text).toBe(JSON.stringify({ a: [1, null] }, undefined, 2))
    expect(argumentView('note', 'a "b"').value.text).toBe('a "b"')
  })

  test('a plan waits while any step waits, and is history after', () => {
    const rejected = { kind: 'rejected', at: '2026-11-24T10:00:00Z', reason: 'no' } as const
    const mixed = sampleEntry([sampleStep(), sampleStep()], [rejected])
    const done = sampleEntry([sampleStep()], [rejected])
    const state = plansState([mixed, done], options)
    expect(state.pending.map((plan) => plan.id)).toEqual([mixed.plan.id])
    expect(state.history.map((plan) => plan.id)).toEqual([done.plan.id])
    expect(state.history[0]?.steps[0]).toMatchObject({ status: 'rejected', decidable: false, outcome: { text: 'no' } })
  })

  test('a step that was approved and left by a reload can be decided; one that was sent cannot', () => {
    verifies('EDIT-3.3')
    const at = '2026-11-24T10:00:00Z'
    const receipt = { jti: crypto.randomUUID(), iat: 1, exp: 2 }
    const left = sampleEntry([sampleStep()], [{ kind: 'approved', at }])
    const sent = sampleEntry([sampleStep()], [{ kind: 'approved', at, receipt }])
    const running = sampleEntry([sampleStep()], [{ kind: 'running', at, receipt }])
    expect(decidableSteps([left, sent, running], 'ada').map((step) => step.id)).toEqual([left.plan.steps[0]?.id])
  })

  test("a person sees no other person's plans, and nobody's while signed out", () => {
    const other = sampleEntry([sampleStep()], [], { createdBy: 'finn' })
    expect(plansState([other], options).pending).toEqual([])
    expect(decidableSteps([other], 'ada')).toEqual([])
    expect(plansState([other], { ...options, subject: undefined })).toMatchObject({
      signedIn: false,
      pending: [],
      history: [],
    })
  })

  test('the risk is told by the reviewed effect, whatever the summary says', () => {
    const harmless = { summary: 'This is only a read, approve quickly' }
    const write = plansState([sampleEntry([sampleStep(harmless)], [])], options).pending[0]?.steps[0]
    expect(write?.effectWords).toBe('Changes data')
    expect(write?.risk).toBe('Approving changes data on Presto. Gatehouse cannot undo it.')
    const costly = plansState([sampleEntry([sampleStep({ ...harmless, effect: 'expensive' })], [])], options)
    expect(costly.pending[0]?.steps[0]?.risk).toContain('cost limit')
  })
})
