import { setTimeout as sleep } from 'node:timers/promises'
import { authorizeTool, type ServerDefinition, ToolError, type ToolContext, tool } from '@gatehouse/kit'
import { z } from 'zod'

const reads = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }
const writes = { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false }
const text = (value: string) => ({ structured: { value }, text: value })
const value = z.strictObject({ value: z.string() })
const empty = z.strictObject({})

/** A server's tools as an author would write them, one for each way that a call can go. */
export class FixtureTools {
  readonly stored: string[] = []
  /** Why each `wait` ended. */
  readonly ended: string[] = []

  @tool({
    name: 'echo',
    title: 'Echo',
    description: 'Says it again',
    input: z.strictObject({
      text: z.string().max(100),
      times: z.int().min(1).default(1),
      secret: z.string().optional(),
    }),
    output: value,
    effect: 'read',
    annotations: reads,
    minutesSaved: 1,
    redact: ['secret'],
  })
  @authorizeTool({})
  async echo({ text: said, times }: { text: string; times: number }) {
    return text(said.repeat(times))
  }

  @tool({
    name: 'whoami',
    title: 'Who am I',
    description: 'What the tool sees of its caller',
    input: empty,
    output: z.strictObject({ context: z.string() }),
    effect: 'read',
    annotations: reads,
    minutesSaved: 0,
  })
  @authorizeTool({})
  async whoami(_args: object, ctx: ToolContext) {
    return { structured: { context: JSON.stringify(ctx) }, text: 'you' }
  }

  @tool({
    name: 'ads_only',
    title: 'Ads',
    description: 'For ads',
    input: empty,
    output: value,
    effect: 'read',
    annotations: reads,
    minutesSaved: 1,
  })
  @authorizeTool({ groups: ['ads'] })
  async adsOnly() {
    return text('for ads')
  }

  @tool({
    name: 'read_table',
    title: 'Read a table',
    description: 'Asks the policy',
    input: z.strictObject({ table: z.string() }),
    output: value,
    effect: 'read',
    annotations: reads,
    minutesSaved: 1,
  })
  @authorizeTool({})
  async readTable({ table }: { table: string }, ctx: ToolContext) {
    const decision = ctx.decide({ kind: 'table', name: table })
    if (!decision.allowed) throw new ToolError('table_denied', decision.reason, 'Ask for another table.')
    return text(table)
  }

  @tool({
    name: 'wait',
    title: 'Wait',
    description: 'Until told to stop',
    input: z.strictObject({ steps: z.int().default(1000), stubborn: z.boolean().default(false) }),
    output: value,
    effect: 'read',
    annotations: reads,
    minutesSaved: 1,
  })
  @authorizeTool({})
  async wait({ steps, stubborn }: { steps: number; stubborn: boolean }, ctx: ToolContext) {
    for (let step = 1; step <= steps; step++) {
      ctx.progress({ progress: step, total: steps, message: `step ${step}` })
      await sleep(20, undefined, stubborn ? {} : { signal: ctx.signal }).catch(() => undefined)
      if (ctx.signal.aborted && !stubborn) {
        this.ended.push('aborted')
        ctx.signal.throwIfAborted()
      }
    }
    this.ended.push('done')
    return text('waited')
  }

  @tool({
    name: 'fail',
    title: 'Fail',
    description: 'Fails in the way asked for',
    input: z.strictObject({ how: z.enum(['tool_error', 'error', 'bad_output', 'large']) }),
    output: value,
    effect: 'read',
    annotations: reads,
    minutesSaved: 1,
  })
  @authorizeTool({})
  async fail({ how }: { how: string }): Promise<{ structured: { value: string }; text: string }> {
    switch (how) {
      case 'tool_error':
        throw new ToolError('engine_busy', 'the engine is busy', 'Try again in a minute.')
      case 'error':
        throw new Error('connect to db.internal:5432 as admin failed')
      case 'bad_output':
        return { structured: { value: 7 } as unknown as { value: string }, text: '' }
      default:
        return text('x'.repeat(300 * 1024))
    }
  }

  @tool({
    name: 'store',
    title: 'Store',
    description: 'Stores a line',
    input: z.strictObject({ line: z.string(), copies: z.int().default(1) }),
    output: z.strictObject({ count: z.int() }),
    effect: 'write',
    annotations: writes,
    minutesSaved: 2,
    summary: ({ line }) => `Store ${line}`,
    touches: async ({ copies }) => [`${copies} lines`],
  })
  @authorizeTool({ groups: ['ads'] })
  async store({ line, copies }: { line: string; copies: number }) {
    for (let copy = 0; copy < copies; copy++) this.stored.push(line)
    return { structured: { count: this.stored.length }, text: 'stored' }
  }

  @tool({
    name: 'query',
    title: 'Query',
    description: 'Cheap or not',
    input: z.strictObject({ cost: z.int() }),
    output: value,
    effect: 'read',
    annotations: reads,
    minutesSaved: 2,
    async effectOf(this: FixtureTools, { cost }) {
      if (cost < 0) throw new ToolError('cost_unknown', 'the cost cannot be told', 'Ask for something else.')
      return cost > this.costLimit ? 'expensive' : 'read'
    },
  })
  @authorizeTool({})
  async query({ cost }: { cost: number }) {
    return text(`cost ${cost}`)
  }

  private readonly costLimit = 10
}

const FIXTURE_CEDAR = `
@id("tables") permit (principal is User, action == Action::"read", resource is Resource) when { resource.kind == "table" };
@id("ads-tables") forbid (principal, action, resource is Resource) when { resource.name like "ads.*" } unless { principal in Group::"ads" };
`

export function fixtureServer(tools = new FixtureTools()): ServerDefinition {
  return {
    id: 'fixture',
    title: 'Fixture',
    version: '1.2.3',
    instructions: 'Use echo to hear yourself.',
    toolsClass: FixtureTools,
    cedar: FIXTURE_CEDAR,
    start: async () => ({ tools: tools, dispose: async () => undefined }),
  }
}
