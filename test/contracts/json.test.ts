import { assertJson, canonicalJson, type JsonError, parseStrictJson } from '@gatehouse/contracts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { escapedText, json, key } from './data.ts'

/** Stable code of what `run` throws. */
function codeOf(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    return (error as JsonError).code
  }
}

describe('parseStrictJson', () => {
  test('reads what JSON.stringify writes, however it is spelled', () => {
    verifies('SRV-KIT.9')
    fc.assert(
      fc.property(json, (value) => {
        expect(parseStrictJson(JSON.stringify(value))).toEqual(value)
        expect(parseStrictJson(escapedText(value))).toEqual(value)
      }),
    )
  })

  test('never accepts what JSON.parse refuses', () => {
    const almost = fc.oneof(
      fc.string(),
      fc
        .array(fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '\\', 'a', '1', ' ', '\u00a0', 'true', '-', '.'))
        .map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(almost, (text) => {
        const strict = codeOf(() => parseStrictJson(text)) === undefined
        const plain = codeOf(() => void JSON.parse(text)) === undefined && canParse(text)
        if (strict) expect(plain).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  test('refuses a key named twice at any depth, spelled alike or by escapes, and takes the same key in different objects', () => {
    verifies('SRV-KIT.9', 'SRV-KIT.7')
    fc.assert(
      fc.property(key, json, json, fc.integer({ min: 0, max: 20 }), (name, first, second, depth) => {
        const wrap = (text: string): string => '[{"x":'.repeat(depth) + text + '}]'.repeat(depth)
        const plain = JSON.stringify(name)
        const escaped = escapedText(name)
        for (const again of [plain, escaped]) {
          const text = `{${plain}:${JSON.stringify(first)}, ${again} : ${JSON.stringify(second)}}`
          expect(codeOf(() => parseStrictJson(wrap(text)))).toBe('json_duplicate_key')
        }
        const apart = `[{${plain}:1},{${escaped}:2},{"y":{${plain}:3}}]`
        expect(codeOf(() => parseStrictJson(wrap(apart)))).toBeUndefined()
      }),
    )
    // A string that is a value is no key, whatever it looks like.
    expect(parseStrictJson('{"a":"a","b":"\\"a\\":"}')).toEqual({ a: 'a', b: '"a":' })
  })

  test.each([
    '9007199254740992',
    '9007199254740993',
    '-9007199254740993',
    '1e400',
    '-1E400',
    '1E20',
    '100000000000000000000',
    '1e21',
  ])('refuses the number %s', (number) => {
    verifies('SRV-KIT.9')
    expect(codeOf(() => parseStrictJson(number))).toBe('json_number')
    expect(codeOf(() => parseStrictJson(`{"a":[${number}]}`))).toBe('json_number')
  })

  test('takes the largest integers that are exact', () => {
    expect(parseStrictJson('[9007199254740991,-9007199254740991,1e15,0.1]')).toEqual([
      9007199254740991, -9007199254740991, 1e15, 0.1,
    ])
  })

  test('refuses every integer beyond 2^53 - 1', () => {
    verifies('SRV-KIT.9')
    fc.assert(
      fc.property(fc.bigInt({ min: 2n ** 53n, max: 2n ** 200n }), fc.boolean(), (integer, negative) => {
        expect(codeOf(() => parseStrictJson(`${negative ? '-' : ''}${integer}`))).toBe('json_number')
      }),
    )
  })

  test.each(['"\\ud800"', '"\\udc00"', '"\\udc00\\ud800"', '"a\ud800b"', '{"\\ud800":1}', '["\\ud83d\\ude00\\ude00"]'])(
    'refuses the lone surrogate in %j',
    (text) => {
      verifies('SRV-KIT.9')
      expect(codeOf(() => parseStrictJson(text))).toBe('json_lone_surrogate')
    },
  )

  test('refuses a key named __proto__, spelled any way', () => {
    verifies('SRV-KIT.9')
    for (const text of ['{"__proto__":{}}', '[{"a":{"__proto__":1}}]', '{"__pro\\u0074o__":null}']) {
      expect(codeOf(() => parseStrictJson(text))).toBe('json_key')
    }
    expect(parseStrictJson('{"constructor":1,"prototype":2,"toString":3}')).toEqual({
      constructor: 1,
      prototype: 2,
      toString: 3,
    })
  })

  test.each([
    'NaN',
    'Infinity',
    '-Infinity',
    'undefined',
    '',
    ' ',
    '{',
    '{"a"}',
    '"',
    '01',
    "{'a':1}",
    '\ufeff{}',
    '[1,]',
    '{"a":1}x',
    '{\u00a0"a":1}',
    '"\n"',
  ])('refuses %j as a matter of syntax', (text) => {
    expect(codeOf(() => parseStrictJson(text))).toBe('json_syntax')
  })

  test('counts depth alike for arrays and objects, and for text and data', () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const nested = (depth: number, inner: string): string => open.repeat(depth) + inner + close.repeat(depth)
      expect(codeOf(() => parseStrictJson(nested(64, '1')))).toBeUndefined()
      expect(codeOf(() => parseStrictJson(nested(65, '1')))).toBe('json_depth')
      expect(codeOf(() => assertJson(JSON.parse(nested(64, '1'))))).toBeUndefined()
      expect(codeOf(() => assertJson(JSON.parse(nested(64, '[]'))))).toBe('json_depth')
      expect(codeOf(() => parseStrictJson(nested(100_000, '1')))).toBe('json_depth')
    }
    expect(codeOf(() => parseStrictJson('[[1]]', { maxDepth: 1 }))).toBe('json_depth')
  })

  test('counts size', () => {
    expect(codeOf(() => parseStrictJson('"aaaa"', { maxLength: 6 }))).toBeUndefined()
    expect(codeOf(() => parseStrictJson('"aaaaa"', { maxLength: 6 }))).toBe('json_size')
  })

  test('reads a text of the largest size with many keys and long gaps: its time grows with the text alone', () => {
    const members = Array.from({ length: 100_000 }, (_, index) => `"k${index}"   :"\\\\\\""`)
    expect(Object.keys(parseStrictJson(`{${members.join(',')}}`) as object)).toHaveLength(100_000)
    const gap = ' '.repeat(2 ** 20)
    expect(parseStrictJson(`["a"${gap},"b"${gap}]`)).toEqual(['a', 'b'])
  })
})

describe('assertJson', () => {
  const cyclic: unknown[] = []
  cyclic.push([cyclic])
  const hidden = Object.defineProperty({ a: 1 }, 'toJSON', { value: () => ({ a: 2 }), enumerable: false })
  // biome-ignore lint/suspicious/noSparseArray: what is tested
  const holes = [1, , 3]

  test.each<[string, unknown, string]>([
    ['NaN', NaN, 'json_number'],
    ['infinity', -Infinity, 'json_number'],
    ['a large integer', { a: 2 ** 53 }, 'json_number'],
    ['undefined', undefined, 'json_syntax'],
    ['an undefined member', { a: undefined }, 'json_syntax'],
    ['a hole', holes, 'json_syntax'],
    ['an array with a property', Object.assign([1], { extra: 2 }), 'json_syntax'],
    ['a function', { a: () => 1 }, 'json_syntax'],
    ['a bigint', 1n, 'json_syntax'],
    ['a symbol', Symbol('a'), 'json_syntax'],
    ['a date', { at: new Date(0) }, 'json_syntax'],
    ['a map', new Map([['a', 1]]), 'json_syntax'],
    ['a boxed string', Object('a'), 'json_syntax'],
    ['a hidden toJSON', hidden, 'json_syntax'],
    ['an array with toJSON', Object.defineProperty([1], 'toJSON', { value: () => [2] }), 'json_syntax'],
    ['a cycle', cyclic, 'json_syntax'],
    ['a lone surrogate', { a: ['\ud800'] }, 'json_lone_surrogate'],
    ['a key __proto__', JSON.parse('{"__proto__":1}'), 'json_key'],
  ])('refuses %s', (_name, value, code) => {
    verifies('SRV-KIT.9')
    expect(codeOf(() => assertJson(value))).toBe(code)
    expect(codeOf(() => canonicalJson(value))).toBe(code)
  })

  test('takes an object without a prototype, and one with a member named toJSON that is data', () => {
    expect(canonicalJson(Object.assign(Object.create(null) as object, { b: 1, a: 2 }))).toBe('{"a":2,"b":1}')
    expect(canonicalJson({ toJSON: 'data' })).toBe('{"toJSON":"data"}')
  })
})

function canParse(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
