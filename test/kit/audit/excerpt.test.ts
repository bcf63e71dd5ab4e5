import fc from 'fast-check'
import { expect, test } from 'vitest'
import { excerptOf } from '../../../companion/packages/kit/src/audit/excerpt.ts'
import { verifies } from '../../requirements.ts'

test('the excerpt is the shape of the result', () => {
  verifies('OBS-2.2')
  const structured = { columns: ['a', 'b'], rows: [['x', 1]], truncated: false, handle: 'h1', 'alice@example.com': 1 }
  expect(
    excerptOf({ structured, text: 'one\ntwo' }, ['columns', 'rows', 'truncated', 'handle', 'absent']).excerpt,
  ).toBe(
    'structured: { columns: list of 2, rows: list of 1, truncated: boolean, handle: string, 1 other }; text: 2 lines, 7 characters',
  )
})

test('whatever the rows are, nothing of them is in the excerpt: no value, no key, no line of the text', () => {
  verifies('OBS-2.2')
  const cell = fc.string({ unit: 'grapheme', minLength: 4 }).map((text) => `§${text}§`)
  const data = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      cell,
      fc.array(tie('node'), { maxLength: 4 }),
      fc.dictionary(cell, tie('node'), { maxKeys: 4 }),
    ),
  })).node
  fc.assert(
    fc.property(fc.dictionary(fc.oneof(cell, fc.constant('rows')), data), fc.array(cell), (structured, lines) => {
      const { excerpt } = excerptOf({ structured, text: lines.join('\n') }, ['rows'])
      expect(excerpt).not.toContain('§')
      expect(excerpt).toMatch(/^structured: (\{\}|\{ [a-z0-9:, ]+ \}); text: \d+ lines, \d+ characters$/)
    }),
  )
})

test('a structured result that is itself a value is named by its type alone', () => {
  verifies('OBS-2.2')
  for (const structured of ['secret row', 42, [['secret row']], null, true]) {
    expect(excerptOf({ structured, text: '' }).excerpt).not.toMatch(/secret|42|true/)
  }
})

test('size and digest are of the whole result, and tell one result from another', () => {
  const first = excerptOf({ structured: { rows: [1] }, text: 'é' })
  const second = excerptOf({ structured: { rows: [2] }, text: 'é' })
  expect(first.bytes).toBe(Buffer.byteLength('{"structured":{"rows":[1]},"text":"é"}'))
  expect(first.digest).toMatch(/^sha256:[0-9a-f]{64}$/)
  expect(first.digest).not.toBe(second.digest)
  expect(first.excerpt).toBe(second.excerpt)
})

test('a schema of a thousand fields still gives a short excerpt', () => {
  const fields = Array.from({ length: 1000 }, (_, index) => `field_${index}`)
  const structured = Object.fromEntries(fields.map((field) => [field, field]))
  expect(excerptOf({ structured, text: '' }, fields).excerpt.length).toBe(2000)
})
