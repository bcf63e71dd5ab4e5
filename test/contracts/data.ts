import fc from 'fast-check'
import type { Json } from '@gatehouse/contracts'

const finite = fc
  .oneof(
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Number.isInteger(value)),
    // RFC 8785 §3.2.2.3: minus zero is written 0, so it is the same number here.
  )
  .map((value) => value + 0)
const text = fc.string({ unit: 'grapheme', maxLength: 12 })
export const key = text.filter((name) => name !== '__proto__')

/** Any JSON value that may be signed. */
export const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(fc.constant(null), fc.boolean(), finite, text),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
})).value

/** The same data with every object's keys in another order. */
export function reordered(value: Json, random: (limit: number) => number): Json {
  if (Array.isArray(value)) return value.map((item) => reordered(item, random))
  if (value === null || typeof value !== 'object') return value
  const rest = Object.entries(value)
  const result: Record<string, Json> = {}
  while (rest.length > 0) {
    const [entry] = rest.splice(random(rest.length), 1)
    if (entry) result[entry[0]] = reordered(entry[1], random)
  }
  return result
}

/** JSON text of `value` with every character of every string and key as a `\u` escape, and white space between tokens. */
export function escapedText(value: Json): string {
  if (typeof value === 'string') {
    const units = Array.from({ length: value.length }, (_, index) => value.charCodeAt(index))
    return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')}"`
  }
  if (Array.isArray(value)) return `[ ${value.map(escapedText).join(' ,\n')} ]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const members = Object.entries(value).map(([name, item]) => `${escapedText(name)}\t: ${escapedText(item)}`)
  return `{ ${members.join(' ,\r\n')} }`
}
