import canonicalize from 'canonicalize'
import { JsonError } from './errors.ts'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

export interface JsonLimits {
  /** Longest accepted text, in UTF-16 code units. Default 4 MiB. */
  readonly maxLength?: number
  /** Deepest accepted nesting. Default 64. */
  readonly maxDepth?: number
}

const DEFAULT_MAX_LENGTH = 4 * 1024 * 1024
const DEFAULT_MAX_DEPTH = 64
/** Where a negative number may stand in JSON text; also matches inside of strings. */
const NEGATIVE_NUMBER = /(?:^|[\s:,[])-/

/**
 * Parses JSON as I-JSON (RFC 7493): what two readers could understand differently is refused.
 * `JSON.parse` drops duplicate keys and rounds large integers in silence, which would let one text be approved and another run. So would -0,
 * which is another number than 0 to a program and the same one in canonical form.
 * @throws JsonError with a stable code
 */
export function parseStrictJson(text: string, limits: JsonLimits = {}): Json {
  const maxLength = limits.maxLength ?? DEFAULT_MAX_LENGTH
  if (text.length > maxLength) throw new JsonError('json_size', `JSON text is longer than ${maxLength} characters`)
  scanStructure(text, limits.maxDepth ?? DEFAULT_MAX_DEPTH)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new JsonError('json_syntax', 'not valid JSON', { cause })
  }
  const json = assertJson(value, limits)
  if (NEGATIVE_NUMBER.test(text)) refuseNegativeZero(json)
  return json
}

/**
 * Checks that a value is data that canonical JSON can carry whole: no NaN, no lone surrogate, no integer beyond 2^53 - 1, no undefined,
 * no cycle, no hole, nothing with a `toJSON` that would put other data in its place, and no key `__proto__`, which some readers take for
 * the prototype and some, zod's records among them, drop.
 * @throws JsonError
 */
export function assertJson(value: unknown, limits: JsonLimits = {}): Json {
  check(value, limits.maxDepth ?? DEFAULT_MAX_DEPTH, [])
  return value as Json
}

/**
 * RFC 8785 canonical form.
 * @throws JsonError for values outside JSON
 */
export function canonicalJson(value: unknown): string {
  return canonicalForm(assertJson(value))
}

/** The same for what `assertJson` has let through already. */
export function canonicalForm(value: Json): string {
  const text = canonicalize(value)
  if (text === undefined) throw new JsonError('json_syntax', 'value has no JSON form')
  return text
}

/** @param depth how many more levels may be entered @param above the containers that hold `value`, outermost first */
function check(value: unknown, depth: number, above: readonly object[]): void {
  if (value === null || typeof value === 'boolean') return
  if (typeof value === 'number') return checkNumber(value)
  if (typeof value === 'string') return checkString(value)
  if (typeof value !== 'object') throw new JsonError('json_syntax', `${typeof value} has no JSON form`)
  if (depth === 0) throw new JsonError('json_depth', 'JSON is nested too deeply')
  if (above.includes(value)) throw new JsonError('json_syntax', 'a value that holds itself has no JSON form')
  if ('toJSON' in value && typeof value.toJSON === 'function')
    throw new JsonError('json_syntax', 'toJSON would replace the value')
  const within = [...above, value]
  if (Array.isArray(value)) {
    if (Object.keys(value).length !== value.length) throw new JsonError('json_syntax', 'array with holes or properties')
    for (const item of value) check(item, depth - 1, within)
  } else {
    checkObject(value, depth, within)
  }
}

function checkObject(value: object, depth: number, within: readonly object[]): void {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw new JsonError('json_syntax', 'not a plain object')
  for (const [key, item] of Object.entries(value)) {
    checkKey(key)
    check(item, depth - 1, within)
  }
}

function checkKey(key: string): void {
  if (key === '__proto__') throw new JsonError('json_key', 'a key named __proto__ is not read alike everywhere')
  checkString(key)
}

function checkNumber(value: number): void {
  if (!Number.isFinite(value)) throw new JsonError('json_number', 'NaN and infinities are not JSON')
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new JsonError('json_number', 'integer beyond 2^53 - 1 cannot be read exactly; send it as a string')
  }
}

function refuseNegativeZero(value: Json): void {
  if (Object.is(value, -0)) throw new JsonError('json_number', 'negative zero is not told from zero everywhere')
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(refuseNegativeZero)
}

function checkString(value: string): void {
  if (!value.isWellFormed()) throw new JsonError('json_lone_surrogate', 'string holds a lone surrogate')
}

/** One pass over the text that finds what `JSON.parse` hides: duplicate keys and depth. Syntax is left to `JSON.parse`. */
function scanStructure(text: string, maxDepth: number): void {
  const stack: (Set<string> | undefined)[] = []
  let index = 0
  while (index < text.length) {
    const character = text.charCodeAt(index)
    if (character === 0x22) {
      const end = stringEnd(text, index)
      const keys = stack.at(-1)
      if (keys && isKey(text, end)) addKey(keys, text.slice(index, end))
      index = end
      continue
    }
    if (character === 0x7b || character === 0x5b) {
      stack.push(character === 0x7b ? new Set() : undefined)
      if (stack.length > maxDepth) throw new JsonError('json_depth', `JSON is nested deeper than ${maxDepth}`)
    } else if (character === 0x7d || character === 0x5d) {
      stack.pop()
    }
    index++
  }
}

/** Index just past the closing quote of the string that opens at `start`. */
function stringEnd(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index++) {
    const character = text.charCodeAt(index)
    if (character === 0x5c) index++
    else if (character === 0x22) return index + 1
  }
  throw new JsonError('json_syntax', 'unterminated string')
}

function isKey(text: string, after: number): boolean {
  let index = after
  while (/\s/.test(text[index] ?? 'x')) index++
  return text[index] === ':'
}

function addKey(keys: Set<string>, literal: string): void {
  const key = literal.includes('\\') ? unescape(literal) : literal.slice(1, -1)
  if (keys.has(key)) throw new JsonError('json_duplicate_key', 'an object names a key twice')
  keys.add(key)
}

function unescape(literal: string): string {
  try {
    return String(JSON.parse(literal))
  } catch (cause) {
    throw new JsonError('json_syntax', 'not valid JSON', { cause })
  }
}
