import { describe, expect, test } from 'vitest'
import { ElicitationRequest, PlansRequest } from '../../src/messages.ts'
import { verifies } from '../requirements.ts'

const id = 'b5f1a0f0-3c53-4c0e-9d5e-6e1f5b0c9a11'

describe('messages of a page', () => {
  test.each([
    ['nothing', undefined],
    ['a string', 'approve'],
    ['an unknown kind', { kind: 'run' }],
    ['no steps', { kind: 'approve' }],
    ['an empty list of steps', { kind: 'approve', steps: [] }],
    ['ids without what was shown', { kind: 'approve', steps: [{ id }] }],
    ['an id that is none', { kind: 'approve', steps: [{ id: '../x', argumentsDigest: '' }] }],
    ['more than was agreed', { kind: 'approve', steps: [{ id, argumentsDigest: 'x' }], force: true }],
    ['a rejection without a reason', { kind: 'reject', steps: [{ id, argumentsDigest: 'x' }] }],
    ['an endless reason', { kind: 'reject', steps: [{ id, argumentsDigest: 'x' }], reason: 'x'.repeat(2001) }],
    [
      'thousands of steps',
      { kind: 'approve', steps: Array.from({ length: 201 }, () => ({ id, argumentsDigest: 'x' })) },
    ],
  ])('of the wrong shape are refused: %s', (_name, message) => {
    verifies('EDIT-3.2')
    expect(PlansRequest.safeParse(message).success).toBe(false)
  })

  test('an elicitation answer carries plain values alone', () => {
    expect(ElicitationRequest.safeParse({ kind: 'accept', content: { a: 'x', b: 1, c: true, d: ['y'] } }).success).toBe(
      true,
    )
    expect(ElicitationRequest.safeParse({ kind: 'accept', content: { a: { nested: 1 } } }).success).toBe(false)
    expect(ElicitationRequest.safeParse({ kind: 'accept', content: { a: null } }).success).toBe(false)
    expect(ElicitationRequest.safeParse({ kind: 'decline', content: {} }).success).toBe(false)
  })
})
