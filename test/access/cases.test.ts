import { expect, it } from 'vitest'
import { BASE } from '../../companion/packages/kit/src/decide/base.cedar.ts'
import { ATTACKS } from './attacks/attacks.ts'
import { ALL_CASES } from './cases.ts'

it('has at least 150 cases, each another', () => {
  const ids = ALL_CASES.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.length).toBeGreaterThanOrEqual(150)
})

it('has a case for each rule of the kit that forbids something', () => {
  const forbids = Object.entries(BASE).flatMap(([id, text]) => (text.trimStart().startsWith('forbid') ? [id] : []))
  const hit = new Set(ALL_CASES.flatMap(({ expected }) => (expected.kind === 'refused' ? [expected.rule] : [])))
  // A server that is not listed has no record to serve under: test/kit/record.test.ts.
  expect(forbids.filter((id) => !hit.has(id) && id !== 'server-listed')).toEqual([])
})

it('has attacks that are each another', () => {
  const ids = ATTACKS.flatMap(([family, attacks]) => attacks.map(({ id }) => `${family}: ${id}`))
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.length).toBeGreaterThanOrEqual(150)
})
