import { describe, expect, test } from 'vitest'
import { checkAnswer, formFields } from '../../src/editor/elicitation-form.ts'
import type { FieldValue } from '../../src/messages.ts'
import { verifies } from '../requirements.ts'

const object = (properties: Record<string, unknown>, required: string[] = []) => ({
  type: 'object',
  properties,
  required,
})
const problem = (property: unknown, value: FieldValue | undefined, required: string[] = []) => {
  const answer = checkAnswer(formFields(object({ f: property }, required)), value === undefined ? {} : { f: value })
  return answer.kind === 'invalid' ? answer.problems['f'] : undefined
}

describe('an elicitation form', () => {
  test('has a field for every kind of property that MCP allows', () => {
    verifies('EDIT-4.1')
    const fields = formFields(
      object(
        {
          text: { type: 'string', title: 'Text', format: 'email', minLength: 3, default: 'a@b.c' },
          number: { type: 'number', minimum: 0 },
          integer: { type: 'integer', default: 4 },
          yes: { type: 'boolean', default: true },
          plain: { type: 'string', enum: ['a', 'b'], default: 'b' },
          named: { type: 'string', enum: ['a', 'b'], enumNames: ['First', 'Second'] },
          titled: { type: 'string', oneOf: [{ const: 'x', title: 'The X' }] },
          many: { type: 'array', items: { type: 'string', enum: ['a', 'b'] }, minItems: 1, default: ['a', 'gone'] },
          titles: { type: 'array', items: { anyOf: [{ const: 'x', title: 'The X' }] } },
        },
        ['text'],
      ),
    )
    expect(fields).toEqual([
      { kind: 'text', name: 'text', title: 'Text', required: true, format: 'email', minLength: 3, initial: 'a@b.c' },
      { kind: 'number', name: 'number', title: 'number', required: false, integer: false, minimum: 0 },
      { kind: 'number', name: 'integer', title: 'integer', required: false, integer: true, initial: 4 },
      { kind: 'boolean', name: 'yes', title: 'yes', required: false, initial: true },
      {
        kind: 'choice',
        name: 'plain',
        title: 'plain',
        required: false,
        choices: [
          { value: 'a', title: 'a' },
          { value: 'b', title: 'b' },
        ],
        initial: 'b',
      },
      {
        kind: 'choice',
        name: 'named',
        title: 'named',
        required: false,
        choices: [
          { value: 'a', title: 'First' },
          { value: 'b', title: 'Second' },
        ],
      },
      { kind: 'choice', name: 'titled', title: 'titled', required: false, choices: [{ value: 'x', title: 'The X' }] },
      {
        kind: 'choices',
        name: 'many',
        title: 'many',
        required: false,
        choices: [
          { value: 'a', title: 'a' },
          { value: 'b', title: 'b' },
        ],
        initial: ['a'],
        minItems: 1,
      },
      {
        kind: 'choices',
        name: 'titles',
        title: 'titles',
        required: false,
        choices: [{ value: 'x', title: 'The X' }],
        initial: [],
      },
    ])
  })

  test.each([
    ['not an object', { type: 'string' }],
    ['a nested object', object({ f: { type: 'object', properties: {} } })],
    ['a list of anything', object({ f: { type: 'array', items: { type: 'string' } } })],
    ['no properties', { type: 'object' }],
    ['an unknown type', object({ f: { type: 'file' } })],
    ['an empty enum', object({ f: { type: 'string', enum: [] } })],
    [
      'too many fields',
      object(Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`f${index}`, { type: 'boolean' }]))),
    ],
  ])('is not made of a schema outside the specification: %s', (_name, schema) => {
    expect(() => formFields(schema)).toThrow(expect.objectContaining({ code: 'elicitation_schema' }) as Error)
  })

  test('spells out unseen characters of a title', () => {
    expect(formFields(object({ f: { type: 'boolean', title: 'No\u202Eyes' } }))[0]?.title).toBe('No⟦U+202E⟧yes')
  })

  test.each([
    [{ type: 'string' }, undefined, ['f']],
    [{ type: 'string' }, '', ['f']],
    [{ type: 'string', minLength: 2 }, 'a', []],
    [{ type: 'string', maxLength: 1 }, '👍👍', []],
    [{ type: 'string', format: 'email' }, 'ada', []],
    [{ type: 'string', format: 'uri' }, 'not a url', []],
    [{ type: 'string', format: 'date' }, '2026-02-30', []],
    [{ type: 'string', format: 'date-time' }, 'tomorrow', []],
    [{ type: 'number' }, 'seven', []],
    [{ type: 'integer' }, 1.5, []],
    [{ type: 'number', maximum: 3 }, 4, []],
    [{ type: 'boolean' }, 'true', []],
    [{ type: 'string', enum: ['a'] }, 'b', []],
    [{ type: 'array', items: { type: 'string', enum: ['a', 'b'] }, minItems: 2 }, ['a'], []],
    [{ type: 'array', items: { type: 'string', enum: ['a', 'b'] } }, ['a', 'a'], []],
    [{ type: 'array', items: { type: 'string', enum: ['a'] } }, ['z'], []],
  ])('refuses an answer that does not fit: %j, %j', (property, value, required) => {
    verifies('EDIT-4.1')
    expect(problem(property, value, required)).toMatch(/\.$/)
  })

  test.each([
    [{ type: 'string', maxLength: 1 }, '👍'],
    [{ type: 'string', format: 'date' }, '2028-02-29'],
    [{ type: 'integer', minimum: 1, maximum: 3 }, 2],
    [{ type: 'boolean' }, false],
    [{ type: 'string' }, undefined],
  ])('accepts an answer that fits: %j, %j', (property, value) => {
    expect(problem(property, value)).toBeUndefined()
  })

  test('refuses a field that the form does not have, by any name', () => {
    const fields = formFields(object({ f: { type: 'boolean' } }))
    const answer = checkAnswer(fields, JSON.parse('{"f":true,"__proto__":"x"}') as Record<string, FieldValue>)
    expect(answer).toMatchObject({ kind: 'invalid' })
  })
})
