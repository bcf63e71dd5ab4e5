import {
  authorizePrompt,
  authorizeResource,
  authorizeTool,
  form,
  openUrl,
  prompt,
  type PromptResult,
  resource,
  type ServerDefinition,
  type StartConfig,
  tool,
  type ToolContext,
  ToolError,
} from '@gatehouse/kit'
import { z } from 'zod'

const reads = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }
const value = z.strictObject({ value: z.string() })
const asked = { output: value, effect: 'read', annotations: reads, minutesSaved: 0 } as const
const empty = z.strictObject({})
const TABLES = ['ads.revenue', 'tpch.nation', 'tpch.orders']
export const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='

const says = (text: string): PromptResult => ({ messages: [{ role: 'user', content: { type: 'text', text } }] })
const answered = (answer: unknown) => {
  const text = JSON.stringify(answer)
  return { structured: { value: text }, text }
}

/** Prompts, resources and tools that ask, as an author would write them. */
export class FixtureOffers {
  /** Runs of the tools that ask. */
  readonly runs: string[] = []
  readonly #tables = TABLES

  @prompt({
    name: 'review',
    title: 'Review a table',
    description: 'Asks for a review',
    input: z.strictObject({
      table: z.string().max(100).describe('Which table'),
      depth: z.enum(['short', 'long']).default('short'),
      secret: z.string().optional(),
    }),
    redact: ['secret'],
    complete: {
      async table(this: FixtureOffers, typed, _others, ctx) {
        return this.#tables.filter((name) => name.startsWith(typed) && ctx.decide({ kind: 'table', name }).allowed)
      },
    },
  })
  @authorizePrompt({})
  async review({ table, depth }: { table: string; depth: string }) {
    return says(`Give a ${depth} review of ${table}.`)
  }

  @prompt({ name: 'ads_review', title: 'Ads', description: 'For ads', input: empty })
  @authorizePrompt({ groups: ['ads'] })
  async adsReview() {
    return says('Review the ads.')
  }

  @prompt({
    name: 'fail',
    title: 'Fail',
    description: 'Fails in the way asked for',
    input: z.strictObject({ how: z.string() }),
  })
  @authorizePrompt({})
  async failing({ how }: { how: string }): Promise<PromptResult> {
    if (how === 'tool_error') throw new ToolError('engine_busy', 'the engine is busy', 'Try again in a minute.')
    if (how === 'bad') return { messages: [{ role: 'system', content: { type: 'text', text: 'x' } }] } as never
    if (how === 'large') return says('x'.repeat(300 * 1024))
    throw new Error('connect to db.internal:5432 failed')
  }

  @prompt({ name: 'personal', title: 'Personal', description: 'Asks for a name', input: empty })
  @authorizePrompt({})
  async personal(_args: object, ctx: ToolContext) {
    return says(JSON.stringify(await ctx.elicit('name', form('Your name?', z.object({ name: z.string() })))))
  }

  @resource({
    name: 'glossary',
    uri: 'fixture://glossary',
    title: 'Glossary',
    description: 'Words and what they mean',
    mimeType: 'text/markdown',
  })
  @authorizeResource({})
  async glossary() {
    return { text: '# Glossary' }
  }

  @resource({
    name: 'ads_plan',
    uri: 'fixture://ads/plan',
    title: 'Plan of ads',
    description: 'For ads',
    mimeType: 'text/plain',
  })
  @authorizeResource({ groups: ['ads'] })
  async adsPlan() {
    return { text: 'the plan of ads' }
  }

  @resource({ name: 'logo', uri: 'fixture://logo', title: 'Logo', description: 'An image', mimeType: 'image/png' })
  @authorizeResource({})
  async logo() {
    return { blob: PIXEL }
  }

  @resource({
    name: 'table',
    uriTemplate: 'fixture://tables/{name}',
    variables: z.strictObject({ name: z.string().regex(/^[a-z]+\.[a-z]+$/) }),
    title: 'Table',
    description: 'A table by its name',
    mimeType: 'application/json',
    complete: {
      async name(this: FixtureOffers, typed) {
        return this.#tables.filter((table) => table.startsWith(typed))
      },
    },
  })
  @authorizeResource({})
  async table({ name }: { name: string }, ctx: ToolContext) {
    const decision = ctx.decide({ kind: 'table', name })
    if (!decision.allowed) throw new ToolError('table_denied', decision.reason, 'Ask for another table.')
    return { text: JSON.stringify({ name }) }
  }

  @tool({
    ...asked,
    name: 'ask_name',
    title: 'Ask',
    description: 'Asks for a name',
    input: z.strictObject({ tag: z.string().default('') }),
  })
  @authorizeTool({})
  async askName({ tag }: { tag: string }, ctx: ToolContext) {
    this.runs.push('ask_name')
    const schema = z.object({ name: z.string().max(20), age: z.int().min(0).optional() })
    return answered([tag, await ctx.elicit('person', form('Who are you?', schema))])
  }

  @tool({ ...asked, name: 'ask_twice', title: 'Ask twice', description: 'Asks in two rounds', input: empty })
  @authorizeTool({})
  async askTwice(_args: object, ctx: ToolContext) {
    const first = await ctx.elicit('first', form('One?', z.object({ one: z.string() })))
    const second = await ctx.elicit('second', form('Two?', z.object({ two: z.string() })))
    return answered([first, second])
  }

  @tool({
    ...asked,
    name: 'ask_anyway',
    title: 'Ask anyway',
    description: 'Goes on as if it had asked nothing',
    input: empty,
  })
  @authorizeTool({})
  async askAnyway(_args: object, ctx: ToolContext) {
    const answer = await ctx.elicit('person', form('Who?', z.object({ name: z.string() }))).catch(() => 'nobody')
    return answered(answer)
  }

  @tool({ ...asked, name: 'open_page', title: 'Open', description: 'Asks to open a page', input: empty })
  @authorizeTool({})
  async openPage(_args: object, ctx: ToolContext) {
    return answered(await ctx.elicit('page', openUrl('Please sign in there', 'https://example.com/sign-in')))
  }

  @tool({
    ...asked,
    name: 'write_and_ask',
    title: 'Write and ask',
    description: 'Asks while it changes something, which it may not',
    input: empty,
    effect: 'write',
  })
  @authorizeTool({})
  async writeAndAsk(_args: object, ctx: ToolContext) {
    this.runs.push('write_and_ask')
    return answered(await ctx.elicit('sure', form('Sure?', z.object({ sure: z.boolean() }))))
  }

  @tool({
    ...asked,
    name: 'picture',
    title: 'Picture',
    description: 'An image',
    input: z.strictObject({ bytes: z.int().default(0) }),
  })
  @authorizeTool({})
  async picture({ bytes }: { bytes: number }) {
    const data = bytes === 0 ? PIXEL : Buffer.alloc(bytes).toString('base64')
    return {
      structured: { value: 'png' },
      text: 'a pixel',
      content: [{ type: 'image' as const, data, mimeType: 'image/png' }],
    }
  }

  @tool({ ...asked, name: 'bad_picture', title: 'Bad', description: 'Not base64', input: empty })
  @authorizeTool({})
  async badPicture() {
    return {
      structured: { value: '' },
      text: '',
      content: [{ type: 'image' as const, data: '<svg>', mimeType: 'image/png' }],
    }
  }

  @tool({ ...asked, name: 'chatty', title: 'Chatty', description: 'Says what it does', input: empty })
  @authorizeTool({})
  async chatty(_args: object, ctx: ToolContext) {
    ctx.log('debug', 'thinking')
    ctx.log('warning', 'the cache is cold')
    return answered('done')
  }
}

const CEDAR = `
@id("tables") permit (principal is User, action == Action::"read", resource is Resource) when { resource.kind == "table" };
@id("ads-tables") forbid (principal, action, resource is Resource) when { resource.name like "ads.*" } unless { principal in Group::"ads" };
`

/** @param started gets what the server is started with */
export function offersServer(offers = new FixtureOffers(), started?: (config: StartConfig) => void): ServerDefinition {
  return {
    id: 'fixture',
    title: 'Fixture',
    version: '1.2.3',
    toolsClass: FixtureOffers,
    cedar: CEDAR,
    async start(config) {
      started?.(config)
      return { tools: offers, dispose: async () => undefined }
    },
  }
}
