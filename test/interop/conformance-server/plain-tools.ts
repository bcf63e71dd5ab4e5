import { setTimeout as sleep } from 'node:timers/promises'
import { type AttachedContent, defineTool, type Offer, type ToolContext, ToolError } from '@gatehouse/kit'
import { z } from 'zod'
import { PNG, WAV } from './media.ts'

const annotations = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }
/** Parts that every tool of the fixture has. */
const COMMON = { output: z.strictObject({}), effect: 'read', annotations, minutesSaved: 0, policy: {} } as const

/** A tool of the official suite, which names them and says what they return. */
export function suiteTool<I extends z.ZodObject>(
  name: string,
  input: I,
  run: (args: z.output<I>, ctx: ToolContext) => Promise<string | AttachedContent[]>,
): Offer {
  return defineTool({
    ...COMMON,
    name,
    title: name,
    description: `As the official suite asks of ${name}`,
    input,
    async run(args, ctx) {
      const result = await run(args, ctx)
      return typeof result === 'string'
        ? { structured: {}, text: result }
        : { structured: {}, text: '', content: result }
    },
  })
}

export const nothing = z.strictObject({})

const image: AttachedContent = { type: 'image', data: PNG, mimeType: 'image/png' }

/** The suite's fixed values; see its scenarios `tools-call-*` and `json-schema-2020-12`. */
export const plainTools: readonly Offer[] = [
  suiteTool('test_simple_text', nothing, async () => 'This is a simple text response for testing.'),
  suiteTool('test_image_content', nothing, async () => [image]),
  suiteTool('test_audio_content', nothing, async () => [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }]),
  suiteTool('test_embedded_resource', nothing, async () => [
    embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource content.'),
  ]),
  defineTool({
    ...COMMON,
    name: 'test_multiple_content_types',
    title: 'Several kinds',
    description: 'A text, an image and a resource',
    input: nothing,
    run: async () => ({
      structured: {},
      text: 'Multiple content types test:',
      content: [image, embedded('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}')],
    }),
  }),
  suiteTool('test_error_handling', nothing, async () => {
    throw new ToolError('intended', 'This tool intentionally returns an error for testing', 'Go on.')
  }),
  suiteTool('test_tool_with_logging', nothing, withLogging),
  suiteTool('test_logging_tool', nothing, withLogging),
  suiteTool('test_tool_with_progress', nothing, async (_args, ctx) => {
    for (const progress of [0, 50, 100]) {
      ctx.progress({ progress, total: 100 })
      await sleep(50, undefined, { signal: ctx.signal })
    }
    return 'done'
  }),
  suiteTool(
    'test_custom_header',
    z.strictObject({ region: z.string().meta({ 'x-mcp-header': 'Region' }) }),
    async () => 'done',
  ),
  suiteTool('json_schema_2020_12_tool', schemaOfSuite(), async () => 'done'),
]

async function withLogging(_args: object, ctx: ToolContext): Promise<string> {
  ctx.log('info', 'Tool execution started')
  await sleep(50, undefined, { signal: ctx.signal })
  ctx.log('info', 'Tool processing data')
  await sleep(50, undefined, { signal: ctx.signal })
  ctx.log('info', 'Tool execution completed')
  return 'done'
}

function embedded(uri: string, mimeType: string, text: string): AttachedContent {
  return { type: 'resource', resource: { uri, mimeType, text } }
}

function schemaOfSuite(): z.ZodObject {
  const address = z
    .strictObject({ street: z.string().optional(), city: z.string().optional() })
    .meta({ id: 'address', $anchor: 'addressDef' })
  return z
    .strictObject({
      name: z.string().optional(),
      address: address.optional(),
      contactMethod: z.enum(['phone', 'email']).optional(),
      phone: z.string().optional(),
      email: z.string().optional(),
    })
    .meta({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
      if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
      then: { required: ['phone'] },
      else: { required: ['email'] },
    })
}
