import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { shown, shownLine } from '../../src/editor/shown-text.ts'

const MARK = /⟦U\+([0-9A-F]+)⟧/g

describe('text of an outsider', () => {
  test('ordinary text, other scripts and emoji stay as they are', () => {
    const text = 'SELECT a,\n\tb FROM t -- grüße, 東京, привет, 👍🏽, e\u0301'
    expect(shown(text)).toEqual({ text, hidden: 0 })
  })

  test.each([
    ['right-to-left override', '\u202E', 'U+202E'],
    ['isolate', '\u2066', 'U+2066'],
    ['zero-width space', '\u200B', 'U+200B'],
    ['byte order mark', '\uFEFF', 'U+FEFF'],
    ['soft hyphen', '\u00AD', 'U+00AD'],
    ['tag letter', '\u{E0041}', 'U+E0041'],
    ['variation selector 17', '\u{E0100}', 'U+E0100'],
    ['Hangul filler', '\u3164', 'U+3164'],
    ['line separator', '\u2028', 'U+2028'],
    ['no-break space', '\u00A0', 'U+00A0'],
    ['null', '\0', 'U+0000'],
    ['escape', '\u001B', 'U+001B'],
    ['lone carriage return', '\r', 'U+000D'],
    ['lone surrogate', '\uD800', 'U+D800'],
  ])('spells out a %s', (_name, character, code) => {
    expect(shown(`a${character}b`)).toEqual({ text: `a⟦${code}⟧b`, hidden: 1 })
  })

  test('nothing is removed: with the marks read back the text is the same', () => {
    const unit = fc.constantFrom(
      'a',
      ' ',
      '\n',
      '\t',
      '\u202E',
      '\u200B',
      '\uFEFF',
      '\u{E0041}',
      '👍',
      '\uD800',
      '\0',
      'é',
    )
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        const { text: marked, hidden } = shown(text)
        expect(marked.replaceAll(MARK, (_mark, code: string) => String.fromCodePoint(parseInt(code, 16)))).toBe(text)
        expect([...marked.matchAll(MARK)]).toHaveLength(hidden)
      }),
    )
  })

  test('a label is one line, and a cut is marked', () => {
    expect(shownLine('a\nb')).toBe('a⏎b')
    expect(shownLine('abcdef', 4)).toBe('abc…')
  })
})
