import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Arming, ARMING_DELAY } from '../../webview/plans/arming.ts'
import { sqlTokens } from '../../webview/plans/sql-tokens.ts'
import { timeLeft } from '../../webview/plans/time-left.ts'

describe('colouring SQL', () => {
  test('loses and adds nothing, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...`'"-/*\n selct09_.(),;\\é👍`) }), (text) => {
        expect(
          sqlTokens(text)
            .map((token) => token.text)
            .join(''),
        ).toBe(text)
      }),
    )
  })

  test('keeps keywords in strings and comments apart', () => {
    expect(sqlTokens("select 'drop' -- delete").map((token) => token.kind)).toEqual([
      'keyword',
      'plain',
      'string',
      'plain',
      'comment',
    ])
  })

  test('ends with the text when a string or comment does not', () => {
    expect(sqlTokens("'open").map((token) => token.kind)).toEqual(['string'])
    expect(sqlTokens('/* open').map((token) => token.kind)).toEqual(['comment'])
  })
})

describe('arming', () => {
  test('takes a click only after the rows have stood still long enough', () => {
    const arming = new Arming()
    expect(arming.armed(1_000_000)).toBe(false)
    arming.showing('a', 0)
    expect(arming.armed(ARMING_DELAY - 1)).toBe(false)
    expect(arming.armed(ARMING_DELAY)).toBe(true)
    arming.showing('a', ARMING_DELAY + 1)
    expect(arming.armed(ARMING_DELAY + 1)).toBe(true)
    arming.showing('b', ARMING_DELAY + 2)
    expect(arming.armed(ARMING_DELAY + 3)).toBe(false)
    arming.restart(2000)
    expect(arming.armed(2000 + ARMING_DELAY - 1)).toBe(false)
  })
})

test('time left is told in minutes, then in seconds', () => {
  expect([3_600_000, 120_001, 120_000, 900, 0, -5].map(timeLeft)).toEqual([
    '60 min left',
    '3 min left',
    '120 s left',
    '1 s left',
    'expired',
    'expired',
  ])
})
