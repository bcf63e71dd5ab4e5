import { z } from 'zod'

/** One thing that a call asks of its caller's client; `accept` reads the answer and is strict about it. */
export interface Question<A> {
  readonly request: QuestionRequest
  /** @throws ZodError for an answer that does not fit what was asked */
  accept(answer: unknown): A
}

/** As it is on the wire (MCP 2026-07-28, basic/utilities/mrtr). */
export type QuestionRequest =
  | { readonly method: 'elicitation/create'; readonly params: Readonly<Record<string, unknown>> }
  | { readonly method: 'sampling/createMessage'; readonly params: Readonly<Record<string, unknown>> }
  | { readonly method: 'roots/list'; readonly params: Readonly<Record<string, unknown>> }

/** What a person did with a form. An `accept` is an answer, and never an approval: what changes something needs a receipt. */
export type FormAnswer<S extends z.ZodObject> =
  | { readonly action: 'accept'; readonly content: z.output<S> }
  | { readonly action: 'decline' }
  | { readonly action: 'cancel' }

/**
 * Asks the person to fill in a form: a flat object of strings, numbers, booleans and enums (MCP, client/elicitation). Never for secrets:
 * what is typed passes through the client and its model's host.
 */
export function form<S extends z.ZodObject>(message: string, schema: S): Question<FormAnswer<S>> {
  const answer = z.discriminatedUnion('action', [
    z.object({ action: z.literal('accept'), content: schema.strict() }),
    z.object({ action: z.literal('decline') }),
    z.object({ action: z.literal('cancel') }),
  ])
  return {
    request: {
      method: 'elicitation/create',
      params: { mode: 'form', message, requestedSchema: requestedSchemaOf(schema) },
    },
    accept: (value) => answer.parse(value) as FormAnswer<S>,
  }
}

const UrlAnswer = z.object({ action: z.enum(['accept', 'decline', 'cancel']) })

/** Asks the person to open a page, for what must not pass through the client. `accept` says only that the person agreed to open it. */
export function openUrl(message: string, url: string): Question<z.infer<typeof UrlAnswer>> {
  return {
    request: { method: 'elicitation/create', params: { mode: 'url', message, url: z.url().parse(url) } },
    accept: (value) => UrlAnswer.parse(value),
  }
}

const Sampled = z.object({
  role: z.enum(['user', 'assistant']),
  content: z.object({ type: z.literal('text'), text: z.string() }),
  model: z.string(),
  stopReason: z.string().optional(),
})

/** Asks the client's model for a text. Deprecated in MCP 2026-07-28; a client need not have it. `maxTokens` bounds the answer. */
export function sample(text: string, maxTokens: number): Question<z.infer<typeof Sampled>> {
  const messages = [{ role: 'user', content: { type: 'text', text } }]
  return {
    request: { method: 'sampling/createMessage', params: { messages, maxTokens } },
    accept: (value) => Sampled.parse(value),
  }
}

const Roots = z.object({
  roots: z.array(z.object({ uri: z.string().max(2000), name: z.string().max(200).optional() })),
})

/** Asks which folders the client works in. Deprecated in MCP 2026-07-28; a client need not have it. */
export function roots(): Question<z.infer<typeof Roots>> {
  return { request: { method: 'roots/list', params: {} }, accept: (value) => Roots.parse(value) }
}

/** An enum of which a person sees the titles (SEP-1330): `titled({ eu: 'Europe', us: 'America' })`. */
export function titled<const K extends string>(titles: Readonly<Record<K, string>>): z.ZodEnum<{ [V in K]: V }> {
  const entries = Object.entries<string>(titles)
  const schema = z.enum(entries.map(([value]) => value as K))
  return schema.meta({ oneOf: entries.map(([value, title]) => ({ const: value, title })) })
}

type Property = Readonly<Record<string, unknown>>

/** The restricted JSON Schema of a form: flat, without what only zod's own validation needs. */
function requestedSchemaOf(schema: z.ZodObject): Readonly<Record<string, unknown>> {
  const { properties = {}, required } = z.toJSONSchema(schema, { io: 'input' })
  const kept = Object.entries(properties).map(([name, property]) => [name, propertyOf(property as Property)])
  return { type: 'object', properties: Object.fromEntries(kept), ...(required && { required }) }
}

function propertyOf({ minimum, maximum, pattern, ...rest }: Property): Property {
  const property = {
    ...rest,
    ...(within(minimum) && { minimum }),
    ...(within(maximum) && { maximum }),
    ...(pattern !== undefined && rest['format'] === undefined && { pattern }),
  }
  if (rest['type'] === 'array') return { ...property, items: itemsOf(rest['items'] as Property) }
  return withoutEnum(property)
}

/** Titled choices stand in `anyOf` in a list, in `oneOf` alone. */
function itemsOf(items: Property): Property {
  return items['oneOf'] === undefined ? items : { anyOf: items['oneOf'] }
}

function withoutEnum(property: Property): Property {
  if (property['oneOf'] === undefined) return property
  const { enum: _enum, ...rest } = property
  return rest
}

/** zod bounds every integer by what a number can hold. */
function within(bound: unknown): boolean {
  return typeof bound === 'number' && Math.abs(bound) < Number.MAX_SAFE_INTEGER
}
