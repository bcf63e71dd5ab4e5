import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digestOf } from '@gatehouse/contracts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPlans } from '../../src/plans/plans.ts'
import type { Plans } from '../../src/plans/types.ts'
import { verifies } from '../requirements.ts'
import { FORGERIES, STAGES, type Forgery, type Json, type Stage } from './forgeries.ts'
import { live, SEAL_KEY, write } from './proposing.ts'

const NOW = Date.parse('2026-11-23T10:00:00Z')
let folder: string
let logged: string[]
let runs: string[]
let opened: Plans[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-plans-'))
  logged = []
  runs = []
  opened = []
})
afterEach(() => {
  for (const plans of opened) plans.dispose()
  rmSync(folder, { recursive: true, force: true })
})

/** A window on the folder, whose orphan runner tells what would be sent to a server. */
function open(sealKey = SEAL_KEY): Plans {
  const plans = createPlans({ folder, sealKey, now: () => NOW, log: (line) => logged.push(line.code) })
  opened.push(plans)
  plans.onOrphanApproved((_entry, step) => runs.push(JSON.stringify(step.arguments)))
  return plans
}

/** A plan of two steps, of which the first has come to this stage; the file it lies in. */
function propose(plans: Plans, stage: Stage, request: string): { file: string; stepId: string } {
  const origin = { door: 'chat', conversation: 'c', request } as const
  const { stepId } = plans.propose(write(`${request} one`, origin), live)
  plans.propose(write(`${request} two`, origin), live)
  if (stage === 'rejected') plans.reject([stepId], 'no')
  if (stage === 'withdrawn') plans.withdraw(stepId)
  if (['approved', 'running', 'done'].includes(stage)) plans.approve([stepId])
  if (stage === 'running' || stage === 'done') plans.started(stepId)
  if (stage === 'done') plans.finished(stepId, 'ok', 'done')
  const plan = plans.entries().find((entry) => entry.states[stepId])?.plan
  return { file: `${plan?.id}.json`, stepId }
}

it(`has ${FORGERIES.length} forgeries, each another`, () => {
  expect(new Set(FORGERIES.map(({ id }) => id)).size).toBe(FORGERIES.length)
  expect(FORGERIES.length).toBeGreaterThanOrEqual(40)
})

describe.each(STAGES)('a plan file that nobody touched, its step %s', (stage) => {
  it('is what it was after a reload', async () => {
    verifies('EDIT-3.3')
    const before = open()
    const { stepId } = propose(before, stage, 'r')
    before.dispose()
    const after = open()
    await Promise.resolve()
    expect(logged).toEqual([])
    expect(after.entries()[0]?.states[stepId]?.kind).toBe(stage === 'running' ? 'approved' : stage)
    expect(runs).toEqual(stage === 'running' ? ['{"sql":"r one"}'] : [])
  })
})

describe('a plan file with', () => {
  it.each(FORGERIES.map((forgery) => [forgery.id, forgery] as const))('%s is set aside', async (_id, forgery) => {
    verifies('EDIT-3.2', 'EDIT-3.3')
    const before = open(forgery.sealedBy === 'another person' ? new Uint8Array(32).fill(9) : SEAL_KEY)
    const { file, stepId } = propose(before, forgery.stage, 'attacked')
    const other = propose(before, 'pending', 'other')
    before.dispose()
    const honest = open()
    const kept = propose(honest, 'pending', 'honest')
    honest.dispose()
    runs = []
    const genuine = contents()
    tamper(forgery, file, other.file)
    expect(contents()).not.toEqual(forgery.sealedBy ? undefined : genuine)

    const after = open()
    await Promise.resolve()
    expect(logged).toContain('plan_file_invalid')
    expect(readdirSync(folder).some((name) => name.endsWith('.broken'))).toBe(true)
    expect(runs).toEqual([])
    after.approve([stepId])
    expect(runs).toEqual([])
    expect(() => after.started(stepId)).toThrow(expect.objectContaining({ code: 'step_not_approved' }))
    // What is next to it is unharmed.
    after.approve([kept.stepId])
    expect(runs).toEqual(['{"sql":"honest one"}'])
  })
})

const WHILE_OPEN = FORGERIES.filter(({ members, stage }) => members && ['pending', 'approved'].includes(stage))

describe('a plan file that is edited while the window that wrote it is open', () => {
  it.each(WHILE_OPEN.map((forgery) => [forgery.id, forgery] as const))(
    '%s: what was approved is what starts',
    (_id, forgery) => {
      verifies('EDIT-3.2')
      const plans = open()
      const { file, stepId } = propose(plans, 'pending', 'attacked')
      const other = propose(plans, 'pending', 'other')
      const decision = plans.entries().find((entry) => entry.states[stepId])
      tamper(forgery, file, other.file)
      plans.approve([stepId])
      tamper(forgery, file, other.file)
      plans.started(stepId)
      expect(plans.entries().find((entry) => entry.states[stepId])?.plan).toEqual(decision?.plan)
    },
  )
})

it('an old file that is put back starts nothing that has ended, but under the receipt it had', async () => {
  verifies('EDIT-3.2')
  const before = open()
  const { file, stepId } = propose(before, 'pending', 'r')
  before.approve([stepId])
  runs = []
  const terms = before.started(stepId)
  const old = readFileSync(join(folder, file))
  before.finished(stepId, 'ok', 'done')
  before.dispose()
  writeFileSync(join(folder, file), old)
  const after = open()
  await Promise.resolve()
  // The server answers what came of it (`approval_replayed`): the id follows from the step.
  expect(after.started(stepId)).toEqual(terms)
})

/** Does to the file what its data says; the seal stays what it was where nothing else is said. */
function tamper(forgery: Forgery, file: string, other: string): void {
  // Set aside as it is, when the window of this person was opened.
  if (forgery.sealedBy) return
  const path = join(folder, file)
  if (forgery.named === 'as another plan') return renameSync(path, join(folder, other))
  const text = readFileSync(path, 'utf8')
  if (forgery.text) {
    const forged = text.replace(forgery.text[0], () => forgery.text?.[1] ?? '')
    expect(forged).not.toBe(text)
    writeFileSync(path, forged)
    return
  }
  const stored = JSON.parse(text) as Stored
  const [first, second] = stored.plan.steps
  const ids: Record<string, string> = { first: first?.id ?? '', second: second?.id ?? '' }
  const known: Record<string, Json> = {
    ...ids,
    seal: (JSON.parse(readFileSync(join(folder, other), 'utf8')) as Stored).seal,
  }
  for (const [path, value] of forgery.members ?? []) {
    const keys = path.split('.').map((key) => ids[key] ?? key)
    const last = keys.pop() ?? ''
    const holder = keys.reduce<Record<string, Json>>((at, key) => at[key] as Record<string, Json>, stored as never)
    if (value === undefined) delete holder[last]
    else holder[last] = typeof value === 'string' && value.startsWith('$') ? (known[value.slice(1)] ?? null) : value
  }
  // A careful forger puts the digests right.
  for (const step of stored.plan.steps) step.argumentsDigest = digestOf(step.arguments)
  if (forgery.swapSteps) stored.plan.steps.reverse()
  writeFileSync(path, JSON.stringify(stored))
}

function contents(): string[] {
  return readdirSync(folder).map((name) => `${name} ${readFileSync(join(folder, name), 'utf8')}`)
}

interface Stored {
  readonly plan: { readonly steps: { readonly id: string; arguments: Json; argumentsDigest: string }[] }
  readonly seal: string
}
