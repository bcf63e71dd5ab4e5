import { type AccessPolicy, definePrompt, defineResource, defineTool, type Offer, ToolError } from '@gatehouse/kit'
import { z } from 'zod'

/** How often each thing that a server offers has run, by `server/name`. */
export class Runs {
  readonly #counts = new Map<string, number>()

  add(key: string): void {
    this.#counts.set(key, this.of(key) + 1)
  }

  of(key: string): number {
    return this.#counts.get(key) ?? 0
  }

  total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }
}

const reads = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }
const writes = { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false }
const output = z.strictObject({ ran: z.string() })
const input = z.strictObject({ table: z.string().optional(), cost: z.int().optional() })

/** What one server of the world offers: each thing counts that it ran, and does nothing else. */
export function offersOf(server: string, runs: Runs) {
  const ran = (name: string) => {
    runs.add(`${server}/${name}`)
    return { structured: { ran: name }, text: name }
  }
  const common = (name: string) => ({ name, title: name, description: `${name} of ${server}` })
  return {
    reads: (name: string, policy: AccessPolicy): Offer =>
      defineTool({
        ...common(name),
        input,
        output,
        effect: 'read',
        annotations: reads,
        minutesSaved: 1,
        policy,
        run: async () => ran(name),
      }),
    writes: (name: string, policy: AccessPolicy): Offer =>
      defineTool({
        ...common(name),
        input,
        output,
        effect: 'write',
        annotations: writes,
        minutesSaved: 1,
        policy,
        run: async () => ran(name),
      }),
    /** Recorded as one that reads; beyond a cost of ten it is expensive. */
    weighs: (name: string, policy: AccessPolicy): Offer =>
      defineTool({
        ...common(name),
        input,
        output,
        effect: 'read',
        annotations: reads,
        minutesSaved: 1,
        policy,
        effectOf: async ({ cost = 0 }) => (cost > 10 ? 'expensive' : 'read'),
        run: async () => ran(name),
      }),
    /** Asks the server's own Cedar policies about the table. */
    asks: (name: string, policy: AccessPolicy): Offer =>
      defineTool({
        ...common(name),
        input,
        output,
        effect: 'read',
        annotations: reads,
        minutesSaved: 1,
        policy,
        async run({ table = '' }, ctx) {
          const decision = ctx.decide({ kind: 'table', name: table })
          if (!decision.allowed) throw new ToolError('table_denied', decision.reason, 'Ask for another table.')
          return ran(name)
        },
      }),
    prompt: (name: string, policy: AccessPolicy): Offer =>
      definePrompt({
        ...common(name),
        input: z.strictObject({}),
        policy,
        async run() {
          ran(name)
          return { messages: [{ role: 'user', content: { type: 'text', text: name } }] }
        },
      }),
    resource: (name: string, uri: string, policy: AccessPolicy): Offer =>
      defineResource({
        ...common(name),
        uri,
        mimeType: 'text/plain',
        policy,
        async read() {
          ran(name)
          return { text: name }
        },
      }),
    template: (name: string, uriTemplate: string, policy: AccessPolicy): Offer =>
      defineResource({
        ...common(name),
        uriTemplate,
        variables: z.strictObject({ name: z.string() }),
        mimeType: 'text/plain',
        policy,
        async read() {
          ran(name)
          return { text: name }
        },
      }),
  }
}
