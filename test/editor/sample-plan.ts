import { randomUUID } from 'node:crypto'
import { digestOf, type CallStep } from '@gatehouse/contracts'
import type { PlanEntry, StepState } from '../../src/plans/types.ts'

export function sampleStep(change: Partial<CallStep> = {}): CallStep {
  const args = change.arguments ?? { sql: "UPDATE ads.campaigns SET budget = 500 WHERE name = 'spring'" }
  return {
    kind: 'call',
    id: randomUUID(),
    server: 'presto',
    tool: 'execute_statement',
    arguments: args,
    argumentsDigest: digestOf(args),
    toolDigest: digestOf('tool'),
    effect: 'write',
    summary: 'Updates rows of ads.campaigns',
    ...change,
  }
}

export function sampleEntry(
  steps: readonly CallStep[],
  states: readonly StepState[],
  change: Partial<PlanEntry['plan']> = {},
): PlanEntry {
  const plan: PlanEntry['plan'] = {
    id: randomUUID(),
    createdBy: 'ada',
    surface: 'ide',
    origin: { door: 'chat', conversation: 'c1', request: 'r1' },
    steps: [...steps],
    policyVersion: 'v1',
    createdAt: '2026-11-24T10:00:00.000Z',
    expiresAt: '2026-11-24T11:00:00.000Z',
    ...change,
  }
  const pending: StepState = { kind: 'pending', orphaned: false }
  return {
    plan,
    digest: digestOf(plan),
    states: Object.fromEntries(steps.map((step, index) => [step.id, states[index] ?? pending])),
    touches: Object.fromEntries(steps.map((step) => [step.id, ['ads.campaigns: about 3 rows']])),
  }
}
