import { AjvJsonSchemaValidator } from '@modelcontextprotocol/client/validators/ajv'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fitsOutput } from '../../src/connections/output-check.ts'
import { verifies } from '../requirements.ts'

const reference = new AjvJsonSchemaValidator()

const name = fc.constantFrom('a', 'b', 'c')
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false, 0, 1, 1.5, -2, '', 'a', 'ab', '👩‍🔬'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(name, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value

const type = fc.constantFrom('null', 'boolean', 'object', 'array', 'number', 'integer', 'string')
const size = fc.integer({ min: 0, max: 3 })
const schema = fc.letrec((tie) => {
  const sub = tie('schema')
  const some = fc.array(sub, { minLength: 1, maxLength: 2 })
  return {
    schema: fc.oneof(
      { maxDepth: 3 },
      fc.boolean(),
      fc.record({ type }),
      fc.record({ type: fc.uniqueArray(type, { minLength: 1, maxLength: 3 }) }),
      fc.record({ const: json }),
      fc.record({
        enum: fc.uniqueArray(json, { minLength: 1, maxLength: 3, selector: (item) => JSON.stringify(item) }),
      }),
      fc.record({ minimum: size, maximum: size, exclusiveMinimum: size, exclusiveMaximum: size }, { requiredKeys: [] }),
      fc.record(
        { minLength: size, maxLength: size, minItems: size, maxItems: size, minProperties: size, maxProperties: size },
        { requiredKeys: [] },
      ),
      fc.record(
        {
          properties: fc.dictionary(name, sub, { maxKeys: 2, noNullPrototype: true }),
          required: fc.uniqueArray(name, { maxLength: 2 }),
          additionalProperties: sub,
        },
        { requiredKeys: [] },
      ),
      fc.record({ prefixItems: some, items: sub }, { requiredKeys: [] }),
      fc.record({ allOf: some, anyOf: some, oneOf: some, not: sub }, { requiredKeys: [] }),
      fc.record({ if: sub, then: sub, else: sub }, { requiredKeys: ['if'] }),
    ),
  }
}).schema as fc.Arbitrary<Record<string, unknown> | boolean>

describe('whether a result fits its output schema', () => {
  test('is told as the reference validator tells it, for what is checked', () => {
    verifies('SRV-KIT.7')
    fc.assert(
      fc.property(schema, json, (root, value) => {
        const whole = { properties: { it: root } }
        expect(fitsOutput(whole, { it: value })).toBe(reference.getValidator(whole)({ it: value }).valid)
      }),
      { numRuns: 1000 },
    )
  })

  test.each<[string, Record<string, unknown>, unknown, boolean | undefined]>([
    ['a reference into itself', { $ref: '#/$defs/n', $defs: { n: { type: 'number' } } }, 'x', false],
    ['a reference with escapes', { $ref: '#/$defs/a~1b~0c', $defs: { 'a/b~c': { type: 'number' } } }, 1, true],
    ['a reference that leads nowhere', { $ref: '#/$defs/none' }, 1, true],
    ['a list of items in the way of draft 7', { items: [{ type: 'number' }], additionalItems: false }, [1, 2], false],
    ['a pattern, which is not run', { type: 'string', pattern: '^a$' }, 'b', true],
    ['what is not a pattern, which cannot be told', { not: { pattern: '^a$' } }, 'a', true],
    ['one of two patterns', { oneOf: [{ pattern: 'a' }, { type: 'number' }] }, 'b', true],
    [
      'names of a pattern, and others',
      { patternProperties: { '^a': {} }, additionalProperties: false },
      { b: 1 },
      true,
    ],
    [
      'a large result',
      { type: 'array', items: { type: 'array', items: { type: 'number' } } },
      Array.from({ length: 20_000 }, () => [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
      true,
    ],
    [
      'what doubles without end',
      { $ref: '#/$defs/a', $defs: { a: { allOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/a' }] } } },
      1,
      undefined,
    ],
  ])('%s', (_name, root, value, fits) => {
    expect(fitsOutput(root, value)).toBe(fits)
  })
})
