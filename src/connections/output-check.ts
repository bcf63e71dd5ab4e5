import { isDeepStrictEqual } from 'node:util'

type Schema = Readonly<Record<string, unknown>>
/** `undefined`: cannot be told, for the schema says it in a way that is not checked here. */
type Verdict = boolean | undefined

/** Applications of a schema to a value: more than a result of 30,000 rows by ten columns takes, and less than half a second. */
const MAX_STEPS = 400_000
const MAX_DEPTH = 200
/** Keywords that say more than is checked: where one stands, a value that fits the rest may or may not fit. */
const UNCHECKED = [
  'pattern',
  'format',
  'multipleOf',
  'uniqueItems',
  'contains',
  'propertyNames',
  'dependentRequired',
  'dependentSchemas',
  'dependencies',
  'unevaluatedItems',
  'unevaluatedProperties',
  '$dynamicRef',
  '$recursiveRef',
]

/**
 * Whether a structured result is what the tool's output schema promises (JSON Schema 2020-12); `undefined` where telling would cost too
 * much. Schema and result are both the server's, so that neither may hold up the editor: no code is made from the schema, no regular
 * expression of it is run, nothing is fetched, and the work is bounded.
 */
export function fitsOutput(schema: Schema, result: unknown): Verdict {
  let steps = 0
  const spend = (cost: number) => {
    steps += cost
    if (steps > MAX_STEPS) throw new TooCostly()
  }
  try {
    return apply(schema, result, 0) ?? true
  } catch (error) {
    if (error instanceof TooCostly) return undefined
    throw error
  }

  function apply(part: unknown, value: unknown, depth: number): Verdict {
    spend(1)
    if (depth > MAX_DEPTH) throw new TooCostly()
    if (typeof part === 'boolean') return part
    if (!isObject(part)) return true
    if (!ofType(part['type'], value)) return false
    const next = (sub: unknown, inner: unknown) => apply(sub, inner, depth + 1)
    return every([
      () => (typeof part['$ref'] === 'string' ? next(referred(schema, part['$ref']), value) : true),
      () => ('const' in part ? isDeepStrictEqual(part['const'], value) : true),
      () => inEnum(part['enum'], value),
      () => inBounds(part, value),
      () => (Array.isArray(value) ? itemsFit(part, value, next) : true),
      () => (isObject(value) ? propertiesFit(part, value, next) : true),
      () => combined(part, value, next),
      () => (UNCHECKED.some((keyword) => keyword in part) ? undefined : true),
    ])
  }

  function inEnum(options: unknown, value: unknown): Verdict {
    if (!Array.isArray(options)) return true
    spend(options.length)
    return options.some((option) => isDeepStrictEqual(option, value))
  }

  function itemsFit(part: Schema, value: readonly unknown[], next: Next): Verdict {
    const { items } = part
    const first = Array.isArray(part['prefixItems']) ? part['prefixItems'] : Array.isArray(items) ? items : []
    const rest = Array.isArray(items) ? part['additionalItems'] : items
    return every(value.map((item, index) => () => next(index < first.length ? first[index] : (rest ?? true), item)))
  }

  function propertiesFit(part: Schema, value: Schema, next: Next): Verdict {
    const named = isObject(part['properties']) ? part['properties'] : {}
    const required: readonly unknown[] = Array.isArray(part['required']) ? part['required'] : []
    spend(required.length)
    if (required.some((name) => typeof name === 'string' && !Object.hasOwn(value, name))) return false
    const others = isObject(part['patternProperties']) ? undefined : (part['additionalProperties'] ?? true)
    return every(
      Object.entries(value).map(([name, item]) => () => {
        if (Object.hasOwn(named, name)) return next(named[name], item)
        return others === undefined ? undefined : next(others, item)
      }),
    )
  }

  function combined(part: Schema, value: unknown, next: Next): Verdict {
    const list = (key: string): readonly unknown[] | undefined => (Array.isArray(part[key]) ? part[key] : undefined)
    const { allOf, anyOf, oneOf } = { allOf: list('allOf'), anyOf: list('anyOf'), oneOf: list('oneOf') }
    return every([
      () => (allOf ? every(allOf.map((sub) => () => next(sub, value))) : true),
      () => (anyOf ? negated(every(anyOf.map((sub) => () => negated(next(sub, value))))) : true),
      () => (oneOf ? exactlyOne(oneOf.map((sub) => next(sub, value))) : true),
      () => ('not' in part ? negated(next(part['not'], value)) : true),
      () => ('if' in part ? branch(part, next(part['if'], value), value, next) : true),
    ])
  }
}

class TooCostly extends Error {}
type Next = (part: unknown, value: unknown) => Verdict

/** One `false` decides. */
function every(checks: readonly (() => Verdict)[]): Verdict {
  let verdict: Verdict = true
  for (const check of checks) {
    const one = check()
    if (one === false) return false
    if (one === undefined) verdict = undefined
  }
  return verdict
}

function negated(verdict: Verdict): Verdict {
  return verdict === undefined ? undefined : !verdict
}

function exactlyOne(verdicts: readonly Verdict[]): Verdict {
  const yes = verdicts.filter((verdict) => verdict === true).length
  if (yes > 1) return false
  return verdicts.includes(undefined) ? undefined : yes === 1
}

function branch(part: Schema, condition: Verdict, value: unknown, next: Next): Verdict {
  return condition === undefined ? undefined : next(part[condition ? 'then' : 'else'] ?? true, value)
}

/** A JSON pointer into the schema itself (RFC 6901); `undefined`, which fits everything, for one that leads nowhere and for an anchor. */
function referred(schema: Schema, reference: string): unknown {
  if (reference !== '#' && !reference.startsWith('#/')) return undefined
  let found: unknown = schema
  for (const part of reference.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined
    found = (found as Schema)[key]
  }
  return found
}

function ofType(type: unknown, value: unknown): boolean {
  if (type === undefined) return true
  return (Array.isArray(type) ? type : [type]).some((one) => isOf(one, value))
}

function isOf(type: unknown, value: unknown): boolean {
  switch (type) {
    case 'null':
      return value === null
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isObject(value)
    case 'integer':
      return Number.isInteger(value)
    default:
      return typeof value === type
  }
}

function inBounds(part: Schema, value: unknown): boolean {
  const within = (size: number, least: string, most: string) => {
    const [low, high] = [part[least], part[most]]
    return !(typeof low === 'number' && size < low) && !(typeof high === 'number' && size > high)
  }
  if (typeof value === 'string') return within(codePoints(value), 'minLength', 'maxLength')
  if (Array.isArray(value)) return within(value.length, 'minItems', 'maxItems')
  if (isObject(value)) return within(Object.keys(value).length, 'minProperties', 'maxProperties')
  if (typeof value !== 'number') return true
  const [above, below] = [part['exclusiveMinimum'], part['exclusiveMaximum']]
  if ((typeof above === 'number' && value <= above) || (typeof below === 'number' && value >= below)) return false
  return within(value, 'minimum', 'maximum')
}

function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
