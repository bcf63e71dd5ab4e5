import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPlans } from '../../src/plans/plans.ts'
import type { Plans } from '../../src/plans/types.ts'
import { verifies } from '../requirements.ts'
import { live, SEAL_KEY, write } from './proposing.ts'

type Action =
  | { kind: 'propose' }
  | { kind: 'approve' | 'reject' | 'withdraw' | 'abandon' | 'start' | 'finish'; step: number }
  | { kind: 'wait'; seconds: number }
  | { kind: 'reload' }

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.constant({ kind: 'propose' as const }),
  fc.record({
    kind: fc.constantFrom(
      'approve' as const,
      'reject' as const,
      'withdraw' as const,
      'abandon' as const,
      'start' as const,
      'finish' as const,
    ),
    step: fc.nat(6),
  }),
  fc.record({ kind: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 2000 }) }),
  fc.constant({ kind: 'reload' as const }),
)

/** What the outside world has seen of one step. */
interface Seen {
  approvals: number
  receipts: Set<string>
  startsThisWindow: number
}

describe('the life of a step', () => {
  it('never starts without an approval and never under two receipts, whatever happens in whatever order', () => {
    verifies('EDIT-3.2', 'EDIT-3.3')
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        const folder = mkdtempSync(join(tmpdir(), 'gatehouse-plans-'))
        let now = Date.parse('2026-11-23T10:00:00Z')
        const open = () => createPlans({ folder, sealKey: SEAL_KEY, now: () => now, log: () => undefined })
        let plans: Plans = open()
        const steps: string[] = []
        const seen = new Map<string, Seen>()
        try {
          for (const item of actions) {
            if (item.kind === 'propose') {
              const { stepId, decision } = plans.propose(write(`statement ${steps.length}`), live)
              decision.catch(() => undefined)
              steps.push(stepId)
              seen.set(stepId, { approvals: 0, receipts: new Set(), startsThisWindow: 0 })
            } else if (item.kind === 'wait') {
              now += item.seconds * 1000
            } else if (item.kind === 'reload') {
              plans.dispose()
              plans = open()
              for (const one of seen.values()) one.startsThisWindow = 0
            } else {
              const id = steps[item.step]
              if (id !== undefined) act(item.kind, id)
            }
          }
        } finally {
          plans.dispose()
          rmSync(folder, { recursive: true, force: true })
        }

        function act(kind: 'approve' | 'reject' | 'withdraw' | 'abandon' | 'start' | 'finish', id: string): void {
          const one = seen.get(id)
          if (!one) return
          if (kind === 'approve') {
            if (stateOf(id) === 'pending') one.approvals++
            plans.approve([id])
          } else if (kind === 'reject') plans.reject([id], 'no')
          else if (kind === 'withdraw') plans.withdraw(id)
          else if (kind === 'abandon') plans.abandon(id)
          else if (kind === 'finish') plans.finished(id, 'ok', 'done')
          else start(id, one)
        }

        function start(id: string, one: Seen): void {
          const before = stateOf(id)
          let receipt: string | undefined
          try {
            receipt = JSON.stringify(plans.started(id))
          } catch {
            expect(stateOf(id)).toBe(before)
            return
          }
          expect(before).toBe('approved')
          expect(one.approvals).toBeGreaterThan(0)
          one.receipts.add(receipt)
          one.startsThisWindow++
          expect(one.receipts.size).toBe(1)
          expect(one.startsThisWindow).toBe(1)
        }

        function stateOf(id: string): string | undefined {
          return plans.entries().find(({ plan }) => plan.steps.some((step) => step.id === id))?.states[id]?.kind
        }
      }),
      { numRuns: 60 },
    )
  })
})
