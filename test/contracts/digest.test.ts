import { isDeepStrictEqual } from 'node:util'
import { canonicalJson, Digest, digestOf, type Json, parseStrictJson } from '@gatehouse/contracts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { escapedText, json, reordered } from './data.ts'

test('equal data has one digest, whatever the order of keys and the spelling', () => {
  verifies('SRV-KIT.9')
  fc.assert(
    fc.property(json, fc.infiniteStream(fc.nat()), (value, numbers) => {
      const random = (limit: number): number => (numbers.next().value as number) % limit
      const digest = digestOf(value)
      expect(Digest.safeParse(digest).success).toBe(true)
      expect(digestOf(reordered(value, random))).toBe(digest)
      expect(digestOf(parseStrictJson(escapedText(reordered(value, random))))).toBe(digest)
    }),
  )
})

test('unequal data has unequal digests', () => {
  verifies('SRV-KIT.9')
  fc.assert(
    fc.property(json, json, (one, other) => {
      expect(digestOf(one) === digestOf(other)).toBe(isDeepStrictEqual(one, other))
    }),
  )
})

test('any single change changes the digest', () => {
  verifies('SRV-KIT.9')
  fc.assert(
    fc.property(json, fc.nat(), (value, where) => {
      const changed = changeOne(value, where)
      expect(digestOf(changed)).not.toBe(digestOf(value))
    }),
  )
})

test('the canonical form reads back as the same data and is its own canonical form', () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalJson(value)
      expect(parseStrictJson(text)).toEqual(value)
      expect(canonicalJson(parseStrictJson(text))).toBe(text)
    }),
  )
})

test('the example of RFC 8785 §3.2.2, as far as its numbers are exact', () => {
  const text =
    '{"numbers":[4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}'
  expect(canonicalJson(parseStrictJson(text))).toBe(
    '{"literals":[null,true,false],"numbers":[4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  )
})

test('keys sort by UTF-16 code unit (RFC 8785 §3.2.3)', () => {
  const value = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 }
  expect(canonicalJson(value)).toBe('{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}')
})

/** `value` with one leaf, chosen by `where`, replaced by another. */
function changeOne(value: Json, where: number): Json {
  if (Array.isArray(value)) {
    if (value.length === 0) return [null]
    const at = where % value.length
    return value.map((item, index) => (index === at ? changeOne(item, Math.floor(where / value.length)) : item))
  }
  if (value !== null && typeof value === 'object') {
    const names = Object.keys(value)
    const name = names[where % names.length]
    if (name === undefined) return { added: null }
    return { ...value, [name]: changeOne(value[name] ?? null, Math.floor(where / names.length)) }
  }
  return value === 'changed' ? 'changed again' : 'changed'
}
