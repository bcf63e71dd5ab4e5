import { GatehouseError } from '@gatehouse/contracts'
import { z } from 'zod'
import type { FieldValue, FormField } from '../messages.ts'
import { shownLine } from './shown-text.ts'

/** Fields of one form; a server that asks for more is not understood. */
const MAX_FIELDS = 50
const MAX_CHOICES = 500

/** `elicitation_schema`: the schema is outside what MCP allows for a form, so no form is shown. */
class ElicitationError extends GatehouseError {}

/*
 * The restricted JSON Schema of MCP elicitation (specification 2026-07-28, client/elicitation, "Requested Schema"): a flat object of
 * strings, numbers, booleans and enums. `enumNames` is the older way to title an enum; `oneOf`/`anyOf` with `const` the present one.
 */
const Named = { title: z.string().max(500).optional(), description: z.string().max(2000).optional() }
const Titled = z
  .array(z.object({ const: z.string(), title: z.string() }))
  .min(1)
  .max(MAX_CHOICES)
const Values = z.array(z.string()).min(1).max(MAX_CHOICES)

const Property = z.union([
  z.object({
    ...Named,
    type: z.literal('string'),
    enum: Values,
    enumNames: z.array(z.string()).optional(),
    default: z.string().optional(),
  }),
  z.object({ ...Named, type: z.literal('string'), oneOf: Titled, default: z.string().optional() }),
  z.object({
    ...Named,
    type: z.literal('array'),
    items: z.union([z.object({ type: z.literal('string'), enum: Values }), z.object({ anyOf: Titled })]),
    minItems: z.int().min(0).optional(),
    maxItems: z.int().min(0).optional(),
    default: z.array(z.string()).optional(),
  }),
  z.object({
    ...Named,
    type: z.literal('string'),
    format: z.enum(['email', 'uri', 'date', 'date-time']).optional(),
    minLength: z.int().min(0).optional(),
    maxLength: z.int().min(0).optional(),
    default: z.string().optional(),
    // A malformed enum must not pass for free text.
    enum: z.never().optional(),
    oneOf: z.never().optional(),
  }),
  z.object({
    ...Named,
    type: z.enum(['number', 'integer']),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    default: z.number().optional(),
  }),
  z.object({ ...Named, type: z.literal('boolean'), default: z.boolean().optional() }),
])
type Property = z.infer<typeof Property>

const RequestedSchema = z.object({
  type: z.literal('object'),
  properties: z.record(z.string().min(1).max(200), Property),
  required: z.array(z.string()).default([]),
})

/** @throws ElicitationError `elicitation_schema` */
export function formFields(schema: unknown): readonly FormField[] {
  const parsed = RequestedSchema.safeParse(schema)
  if (!parsed.success) {
    throw new ElicitationError('elicitation_schema', 'the server asked with a form that MCP does not allow', {
      cause: parsed.error,
    })
  }
  const entries = Object.entries(parsed.data.properties)
  if (entries.length > MAX_FIELDS)
    throw new ElicitationError('elicitation_schema', `the form has more than ${MAX_FIELDS} fields`)
  return entries.map(([name, property]) => field(name, property, parsed.data.required.includes(name)))
}

function field(name: string, property: Property, required: boolean): FormField {
  const base = {
    name,
    title: shownLine(property.title ?? name),
    ...(property.description === undefined ? {} : { description: shownLine(property.description, 2000) }),
    required,
  }
  switch (property.type) {
    case 'boolean':
      return { ...base, kind: 'boolean', initial: property.default ?? false }
    case 'number':
    case 'integer':
      return {
        ...base,
        kind: 'number',
        integer: property.type === 'integer',
        ...present({ ...bounds(property), initial: property.default }),
      }
    case 'array': {
      const choices = 'anyOf' in property.items ? titled(property.items.anyOf) : plain(property.items.enum)
      const initial = (property.default ?? []).filter((value) => choices.some((choice) => choice.value === value))
      return {
        ...base,
        kind: 'choices',
        choices,
        initial,
        ...present({ minItems: property.minItems, maxItems: property.maxItems }),
      }
    }
    case 'string': {
      const choices = choicesOf(property)
      if (choices) {
        const initial = choices.find((choice) => choice.value === property.default)?.value
        return { ...base, kind: 'choice', choices, ...present({ initial }) }
      }
      const { format, minLength, maxLength } = {
        format: undefined,
        minLength: undefined,
        maxLength: undefined,
        ...property,
      }
      return { ...base, kind: 'text', ...present({ format, minLength, maxLength, initial: property.default }) }
    }
  }
}

function choicesOf(property: Property & { type: 'string' }) {
  if ('oneOf' in property && property.oneOf) return titled(property.oneOf)
  if ('enum' in property && property.enum)
    return plain(property.enum, 'enumNames' in property ? property.enumNames : undefined)
  return undefined
}

function bounds(property: { minimum?: number | undefined; maximum?: number | undefined }) {
  return { minimum: property.minimum, maximum: property.maximum }
}

function titled(choices: readonly { const: string; title: string }[]) {
  return choices.map((choice) => ({ value: choice.const, title: shownLine(choice.title) }))
}

function plain(values: readonly string[], names: readonly string[] = []) {
  return values.map((value, index) => ({ value, title: shownLine(names[index] ?? value) }))
}

/** An absent value and `undefined` are the same here; `exactOptionalPropertyTypes` tells them apart. */
function present<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

export type FormAnswer =
  | { readonly kind: 'valid'; readonly content: Record<string, FieldValue> }
  | { readonly kind: 'invalid'; readonly problems: Readonly<Record<string, string>> }

/** What the person entered, checked against the fields. A field that the form does not have makes the answer invalid. */
export function checkAnswer(fields: readonly FormField[], content: Readonly<Record<string, FieldValue>>): FormAnswer {
  // Maps, since a name may be `__proto__`.
  const problems = new Map<string, string>()
  const accepted = new Map<string, FieldValue>()
  for (const name of Object.keys(content)) {
    if (!fields.some((item) => item.name === name)) problems.set(name, 'The form has no such field.')
  }
  for (const item of fields) {
    const value = Object.hasOwn(content, item.name) ? content[item.name] : undefined
    const problem = problemOf(item, value)
    if (problem !== undefined) problems.set(item.name, problem)
    else if (value !== undefined) accepted.set(item.name, value)
  }
  if (problems.size > 0) return { kind: 'invalid', problems: Object.fromEntries(problems) }
  return { kind: 'valid', content: Object.fromEntries(accepted) }
}

function problemOf(item: FormField, value: FieldValue | undefined): string | undefined {
  if (value === undefined) return item.required ? 'This field is required.' : undefined
  switch (item.kind) {
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'Choose yes or no.'
    case 'choice':
      return item.choices.some((choice) => choice.value === value) ? undefined : 'Choose one of the options.'
    case 'choices':
      return choicesProblem(item, value)
    case 'number':
      return numberProblem(item, value)
    case 'text':
      return textProblem(item, value)
  }
}

function choicesProblem(item: FormField & { kind: 'choices' }, value: FieldValue): string | undefined {
  if (!Array.isArray(value) || new Set(value).size !== value.length) return 'Choose from the options.'
  if (!value.every((one) => item.choices.some((choice) => choice.value === one))) return 'Choose from the options.'
  if (item.minItems !== undefined && value.length < item.minItems) return `Choose at least ${item.minItems}.`
  if (item.maxItems !== undefined && value.length > item.maxItems) return `Choose at most ${item.maxItems}.`
  return undefined
}

function numberProblem(item: FormField & { kind: 'number' }, value: FieldValue): string | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'Enter a number.'
  if (item.integer && !Number.isSafeInteger(value)) return 'Enter a whole number.'
  if (item.minimum !== undefined && value < item.minimum) return `Enter ${item.minimum} or more.`
  if (item.maximum !== undefined && value > item.maximum) return `Enter ${item.maximum} or less.`
  return undefined
}

const FORMATS = {
  email: { schema: z.email(), words: 'Enter an e-mail address, like ada@example.com.' },
  uri: { schema: z.url(), words: 'Enter an address, like https://example.com/.' },
  date: { schema: z.iso.date(), words: 'Enter a date, like 2026-03-31.' },
  'date-time': { schema: z.iso.datetime({ offset: true }), words: 'Enter a date and time, like 2026-03-31T14:00:00Z.' },
} as const

function textProblem(item: FormField & { kind: 'text' }, value: FieldValue): string | undefined {
  if (typeof value !== 'string') return 'Enter text.'
  if (item.required && value === '') return 'This field is required.'
  // JSON Schema counts characters, not UTF-16 units (2020-12 validation, 6.3.1).
  const length = [...value].length
  if (item.minLength !== undefined && length < item.minLength) return `Enter at least ${item.minLength} characters.`
  if (item.maxLength !== undefined && length > item.maxLength) return `Enter at most ${item.maxLength} characters.`
  if (item.format && !FORMATS[item.format].schema.safeParse(value).success) return FORMATS[item.format].words
  return undefined
}
