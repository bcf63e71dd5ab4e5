import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CallStep } from '@gatehouse/contracts'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { PlanError } from '../../src/plans/errors.ts'
import { createPlans } from '../../src/plans/plans.ts'
import type { PlanEntry, Plans } from '../../src/plans/types.ts'
import { verifies } from '../requirements.ts'
import { live, SEAL_KEY, write } from './proposing.ts'

const START = Date.parse('2026-11-23T10:00:00Z')
let folder: string
let now: number
let logged: string[]
let opened: Plans[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-plans-'))
  now = START
  logged = []
  opened = []
})

afterEach(() => {
  for (const plans of opened) plans.dispose()
  chmodSync(folder, 0o700)
  rmSync(folder, { recursive: true, force: true })
})

function open(): Plans {
  const plans = createPlans({ folder, sealKey: SEAL_KEY, now: () => now, log: (line) => logged.push(line.code) })
  opened.push(plans)
  return plans
}

function reload(plans: Plans): Plans {
  plans.dispose()
  return open()
}

function state(plans: Plans, stepId: string) {
  return plans.entries().find((entry) => entry.states[stepId])?.states[stepId]
}

describe('proposing', () => {
  it('puts calls of one chat turn into one plan, and those of another turn, person or policy into another', () => {
    verifies('EDIT-3.1')
    const plans = open()
    plans.propose(write('a'), live)
    plans.propose(write('b'), live)
    plans.propose(write('c', { door: 'chat', conversation: 'c1', request: 'r2' }), live)
    plans.propose({ ...write('d'), subject: 'finn' }, live)
    plans.propose({ ...write('e'), policyVersion: 'v2' }, live)
    plans.propose(write('f', { door: 'command' }), live)
    plans.propose(write('g', { door: 'command' }), live)
    expect(plans.entries().map(({ plan }) => plan.steps.length)).toEqual([1, 1, 1, 1, 1, 2])
  })

  it('keeps the plan in a file that only its owner can read', () => {
    const plans = open()
    plans.propose(write('a'), live)
    const [name = ''] = readdirSync(folder)
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })

  it('leaves the step to be decided when its call ends', async () => {
    const plans = open()
    const asking = new AbortController()
    const { stepId, decision } = plans.propose(write('a'), asking.signal)
    asking.abort(new Error('gone'))
    await expect(decision).rejects.toThrow('gone')
    expect(state(plans, stepId)).toEqual({ kind: 'pending', orphaned: true })
  })

  it('refuses when the plan cannot be saved, and shows no step', () => {
    writeFileSync(join(folder, 'file'), '')
    const plans = createPlans({ folder: join(folder, 'file'), sealKey: SEAL_KEY, now: () => now, log: () => undefined })
    opened.push(plans)
    expect(() => plans.propose(write('a'), live)).toThrow(PlanError)
    expect(plans.entries()).toEqual([])
  })
})

describe('deciding', () => {
  it('approves several steps together, in the order they were proposed', async () => {
    verifies('EDIT-3.1')
    const plans = open()
    const one = plans.propose(write('a'), live)
    const two = plans.propose(write('b'), live)
    const order: string[] = []
    void one.decision.then(() => order.push('a'))
    void two.decision.then(() => order.push('b'))
    plans.approve([two.stepId, one.stepId])
    expect(await two.decision).toMatchObject({ kind: 'approved', step: { arguments: { sql: 'b' } } })
    expect(order).toEqual(['a', 'b'])
  })

  it('tells the reason of a rejection, after which nothing starts it', async () => {
    verifies('EDIT-3.2')
    const plans = open()
    const { stepId, decision } = plans.propose(write('a'), live)
    plans.reject([stepId], 'wrong table')
    expect(await decision).toEqual({ kind: 'rejected', reason: 'wrong table' })
    plans.approve([stepId])
    expect(() => plans.started(stepId)).toThrow(expect.objectContaining({ code: 'step_not_approved' }))
  })

  it('withdraws a step that its proposer cancelled, even when it is approved and waits for its turn', async () => {
    const plans = open()
    const pending = plans.propose(write('a'), live)
    plans.withdraw(pending.stepId)
    expect(await pending.decision).toEqual({ kind: 'withdrawn' })
    const waiting = plans.propose(write('b'), live)
    plans.approve([waiting.stepId])
    plans.withdraw(waiting.stepId)
    expect(() => plans.started(waiting.stepId)).toThrow(PlanError)
  })

  it('expires at the end of the life, by its timer and at the moment of the decision', async () => {
    vi.useFakeTimers({ now: START })
    try {
      const plans = createPlans({ folder, sealKey: SEAL_KEY, log: () => undefined, planLife: 60 })
      opened.push(plans)
      const { stepId, decision } = plans.propose(write('a'), live)
      await vi.advanceTimersByTimeAsync(60_000)
      expect(await decision).toEqual({ kind: 'expired' })
      expect(state(plans, stepId)).toEqual({ kind: 'expired' })
    } finally {
      vi.useRealTimers()
    }
    const plans = open()
    const late = plans.propose(write('late'), live)
    now += 3_600_000
    plans.approve([late.stepId])
    expect(await late.decision).toEqual({ kind: 'expired' })
  })

  it('does not start an approval that has grown old', () => {
    const plans = open()
    const { stepId } = plans.propose(write('a'), live)
    plans.approve([stepId])
    now += 3_600_000
    expect(() => plans.started(stepId)).toThrow(expect.objectContaining({ code: 'step_expired' }))
  })
})

describe('a step whose call has ended', () => {
  it('runs once when it is approved, however often it is approved', () => {
    const plans = open()
    const runs: string[] = []
    plans.onOrphanApproved((_entry, step) => runs.push(step.id))
    const { stepId } = plans.propose(write('a'), live)
    plans.abandon(stepId)
    plans.approve([stepId])
    plans.approve([stepId])
    expect(runs).toEqual([stepId])
  })
})

describe('a reload', () => {
  it('loses nothing that was pending, marks it as orphaned and runs nothing', async () => {
    verifies('EDIT-3.3')
    const before = open()
    const { stepId } = before.propose(write('a'), live)
    const after = reload(before)
    const runs: CallStep[] = []
    after.onOrphanApproved((_entry: PlanEntry, step) => runs.push(step))
    await Promise.resolve()
    expect(state(after, stepId)).toEqual({ kind: 'pending', orphaned: true })
    expect(runs).toEqual([])
    after.approve([stepId])
    expect(runs.map(({ id }) => id)).toEqual([stepId])
  })

  it('keeps an approval that had not started, which runs only when the person says so again', async () => {
    verifies('EDIT-3.3')
    const before = open()
    const { stepId } = before.propose(write('a'), live)
    before.approve([stepId])
    const after = reload(before)
    const runs: string[] = []
    after.onOrphanApproved((_entry, step) => runs.push(step.id))
    await Promise.resolve()
    expect(state(after, stepId)).toMatchObject({ kind: 'approved' })
    expect(runs).toEqual([])
    after.approve([stepId])
    expect(runs).toEqual([stepId])
  })

  it('sends what was running again, under the very receipt it had', async () => {
    verifies('EDIT-3.2')
    const before = open()
    const { stepId } = before.propose(write('a'), live)
    before.approve([stepId])
    const receipt = before.started(stepId)
    now += 30_000
    const after = reload(before)
    const runs: string[] = []
    after.onOrphanApproved((_entry, step) => runs.push(step.id))
    await Promise.resolve()
    expect(runs).toEqual([stepId])
    expect(after.started(stepId)).toEqual(receipt)
  })

  it('says that the outcome is unknown when the receipt is past its life', () => {
    const before = open()
    const { stepId } = before.propose(write('a'), live)
    before.approve([stepId])
    before.started(stepId)
    now += 601_000
    const after = reload(before)
    expect(state(after, stepId)).toMatchObject({ kind: 'done', outcome: 'failed' })
    expect(() => after.started(stepId)).toThrow(PlanError)
  })

  it('sets a broken or tampered file aside and keeps the others', () => {
    const before = open()
    before.propose(write('a'), live)
    const tampered = before.propose(write('b', { door: 'command' }), live)
    writeFileSync(join(folder, 'broken.json'), '{"version":1')
    const name = `${before.entries().find((entry) => entry.states[tampered.stepId])?.plan.id}.json`
    writeFileSync(
      join(folder, name),
      readFileSync(join(folder, name), 'utf8').replace('"sql":"b"', '"sql":"DROP TABLE x"'),
    )
    const after = reload(before)
    expect(after.entries().map(({ plan }) => plan.steps.length)).toEqual([1])
    expect(readdirSync(folder).filter((file) => file.endsWith('.broken'))).toHaveLength(2)
    expect(logged).toEqual(['plan_file_invalid', 'plan_file_invalid'])
  })
})
