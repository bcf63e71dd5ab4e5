import { describe, expect, test } from 'vitest'
import { checkDecision } from '../../src/editor/decisions.ts'
import { verifies } from '../requirements.ts'
import { sampleEntry, sampleStep } from './sample-plan.ts'

const step = sampleStep()
const entry = sampleEntry([step], [])
const approve = (id: string, argumentsDigest: string) => ({
  kind: 'approve' as const,
  steps: [{ id, argumentsDigest }],
})

describe('a decision of the page', () => {
  test('holds for a step that waits and was shown as it is', () => {
    verifies('EDIT-3.2')
    expect(checkDecision(approve(step.id, step.argumentsDigest), [entry], 'ada')).toEqual({
      kind: 'approve',
      steps: [step.id],
    })
    const reject = {
      kind: 'reject' as const,
      steps: [{ id: step.id, argumentsDigest: step.argumentsDigest }],
      reason: 'no',
    }
    expect(checkDecision(reject, [entry], 'ada')).toEqual({ kind: 'reject', steps: [step.id], reason: 'no' })
  })

  test('is refused for a step shown with other arguments', () => {
    const other = sampleStep({ arguments: { sql: 'DROP TABLE t' } })
    expect(checkDecision(approve(step.id, other.argumentsDigest), [entry], 'ada').kind).toBe('refuse')
  })

  test('is refused where the stored arguments do not match their digest', () => {
    const tampered = sampleEntry([{ ...step, arguments: { sql: 'DROP TABLE t' } }], [])
    expect(checkDecision(approve(step.id, step.argumentsDigest), [tampered], 'ada').kind).toBe('refuse')
  })

  test('is refused for a step that is decided, unknown, or of another person', () => {
    const done = sampleEntry([step], [{ kind: 'withdrawn', at: '2026-11-24T10:00:00Z' }])
    expect(checkDecision(approve(step.id, step.argumentsDigest), [done], 'ada').kind).toBe('refuse')
    expect(checkDecision(approve(step.id, step.argumentsDigest), [], 'ada').kind).toBe('refuse')
    expect(checkDecision(approve(step.id, step.argumentsDigest), [entry], 'finn').kind).toBe('refuse')
    expect(checkDecision(approve(step.id, step.argumentsDigest), [entry], undefined).kind).toBe('refuse')
  })

  test('is all or nothing', () => {
    const second = sampleStep()
    const both = sampleEntry([step, second], [{ kind: 'pending', orphaned: false }, { kind: 'expired' }])
    const request = {
      kind: 'approve' as const,
      steps: [step, second].map(({ id, argumentsDigest }) => ({ id, argumentsDigest })),
    }
    expect(checkDecision(request, [both], 'ada').kind).toBe('refuse')
  })
})
