import { definePrompt, form, type Offer, roots, sample, titled } from '@gatehouse/kit'
import { z } from 'zod'
import { nothing, suiteTool } from './plain-tools.ts'

const name = z.object({ name: z.string() })
const confirm = z.object({ ok: z.boolean() })
const askName = form('What is your name?', name)

/** Tools that ask their client; see the suite's scenarios `tools-call-elicitation`, `elicitation-*` and `input-required-result-*`. */
export const askingTools: readonly Offer[] = [
  suiteTool('test_sampling', z.strictObject({ prompt: z.string() }), async ({ prompt }, ctx) => {
    const { content } = await ctx.elicit('answer', sample(prompt, 100))
    return `LLM response: ${content.text}`
  }),
  suiteTool('test_elicitation', z.strictObject({ message: z.string() }), async ({ message }, ctx) => {
    const schema = z.object({
      username: z.string().describe("User's response"),
      email: z.string().describe("User's email address"),
    })
    return `User response: ${JSON.stringify(await ctx.elicit('user', form(message, schema)))}`
  }),
  suiteTool('test_elicitation_sep1034_defaults', nothing, async (_args, ctx) => {
    const schema = z.object({
      name: z.string().default('John Doe'),
      age: z.int().default(30),
      score: z.number().default(95.5),
      status: z.enum(['active', 'inactive', 'pending']).default('active'),
      verified: z.boolean().default(true),
    })
    return `Elicitation completed: ${JSON.stringify(await ctx.elicit('defaults', form('Defaults', schema)))}`
  }),
  suiteTool('test_elicitation_sep1330_enums', nothing, async (_args, ctx) => {
    const options = ['option1', 'option2', 'option3'] as const
    const choices = titled({ value1: 'First Option', value2: 'Second Option', value3: 'Third Option' })
    const schema = z.object({
      untitledSingle: z.enum(options),
      titledSingle: choices,
      legacyEnum: z.enum(['opt1', 'opt2', 'opt3']).meta({ enumNames: ['Option One', 'Option Two', 'Option Three'] }),
      untitledMulti: z.array(z.enum(options)),
      titledMulti: z.array(choices),
    })
    return `Elicitation completed: ${JSON.stringify(await ctx.elicit('enums', form('Enums', schema)))}`
  }),
  suiteTool('test_streaming_elicitation', nothing, async (_args, ctx) => {
    ctx.log('info', 'about to ask')
    return JSON.stringify(await ctx.elicit('user_name', askName))
  }),
  suiteTool('test_missing_capability', nothing, async (_args, ctx) => {
    const { content } = await ctx.elicit('answer', sample('Say something.', 10))
    return content.text
  }),
  suiteTool('test_input_required_result_elicitation', nothing, async (_args, ctx) => {
    const answer = await ctx.elicit('user_name', askName)
    return answer.action === 'accept' ? `Hello, ${answer.content.name}!` : 'Hello!'
  }),
  suiteTool('test_input_required_result_sampling', nothing, async (_args, ctx) => {
    const { content } = await ctx.elicit('capital_question', sample('What is the capital of France?', 100))
    return content.text
  }),
  suiteTool('test_input_required_result_list_roots', nothing, async (_args, ctx) => {
    const answer = await ctx.elicit('client_roots', roots())
    return answer.roots.map(({ uri }) => uri).join(', ')
  }),
  suiteTool('test_input_required_result_request_state', nothing, async (_args, ctx) => {
    await ctx.elicit('confirm', form('Please confirm', confirm))
    return 'state-ok'
  }),
  suiteTool('test_input_required_result_multiple_inputs', nothing, async (_args, ctx) => {
    const answers = await ctx.ask({
      user_name: askName,
      greeting: sample('Generate a greeting', 50),
      client_roots: roots(),
    })
    return `${answers.greeting.content.text} ${answers.user_name.action} ${answers.client_roots.roots.length}`
  }),
  suiteTool('test_input_required_result_multi_round', nothing, async (_args, ctx) => {
    const first = await ctx.elicit('step1', form('Step 1: What is your name?', name))
    const second = await ctx.elicit(
      'step2',
      form('Step 2: What is your favorite color?', z.object({ color: z.string() })),
    )
    return JSON.stringify([first, second])
  }),
  suiteTool('test_input_required_result_tampered_state', nothing, async (_args, ctx) => {
    await ctx.elicit('confirm', form('Please confirm', confirm))
    return 'confirmed'
  }),
  suiteTool('test_input_required_result_capabilities', nothing, async (_args, ctx) => {
    if (ctx.askable.form) return JSON.stringify(await ctx.elicit('user_name', askName))
    if (!ctx.askable.sampling) return 'nobody to ask'
    return (await ctx.elicit('answer', sample('Generate a greeting', 50))).content.text
  }),
  definePrompt({
    name: 'test_input_required_result_prompt',
    title: 'Asks first',
    description: 'Asks for its context',
    input: z.strictObject({}),
    policy: {},
    async run(_args, ctx) {
      const schema = z.object({ context: z.string() })
      const answer = await ctx.elicit('user_context', form('What context should the prompt use?', schema))
      const text = answer.action === 'accept' ? answer.content.context : 'none'
      return { messages: [{ role: 'user', content: { type: 'text', text } }] }
    },
  }),
]
