import { authorizeTool, collectTools, type ToolContext, tool } from '@gatehouse/kit'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const annotations = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }
const common = {
  title: 'T',
  description: 'D',
  annotations,
  minutesSaved: 1,
  output: z.strictObject({ sum: z.number() }),
}

class Tools {
  constructor(private readonly limit: number) {}

  @tool({
    ...common,
    name: 'add',
    input: z.strictObject({ a: z.number(), b: z.number().default(1) }),
    effect: 'read',
    effectOf(this: Tools, args) {
      return Promise.resolve(args.a > this.limit ? 'expensive' : 'read')
    },
  })
  @authorizeTool({ groups: ['ads'] })
  add({ a, b }: { a: number; b: number }, _ctx: ToolContext) {
    return Promise.resolve({ structured: { sum: a + b + this.limit }, text: `${a + b}` })
  }
}

describe('collectTools', () => {
  it('finds the decorated methods of an instance and binds them and their hooks', async () => {
    const [add] = collectTools(new Tools(10))
    const ctx = {} as ToolContext
    expect(add?.policy).toEqual({ groups: ['ads'] })
    expect(await add?.options.effectOf?.({ a: 11, b: 1 }, ctx)).toBe('expensive')
    expect((await add?.run({ a: 1, b: 2 }, ctx))?.structured).toEqual({ sum: 13 })
  })

  it('reads a class without an instance', () => {
    expect(collectTools(Tools.prototype).map((item) => item.options.name)).toEqual(['add'])
  })
})
