import type { Digest } from '@gatehouse/contracts'
import { z } from 'zod'
import type { Completions } from '../authoring/completion.ts'
import { ResourceContent } from '../authoring/content.ts'
import type { ToolContext } from '../authoring/context.ts'
import { PromptResult } from '../authoring/prompt.ts'
import type { ToolTable } from './tool-table.ts'

/** What a caller asks to read: a prompt by its name, a resource by its address. */
export type Wanted =
  | { readonly kind: 'prompt'; readonly name: string; readonly arguments: Readonly<Record<string, unknown>> }
  | { readonly kind: 'resource'; readonly uri: string }

/** A prompt or a resource that is there, with what it was asked for. */
export interface Readable {
  readonly kind: 'prompt' | 'resource'
  readonly name: string
  readonly digest: Digest
  readonly input: z.ZodObject
  readonly arguments: Readonly<Record<string, unknown>>
  readonly redact: readonly string[]
  readonly complete: Completions
  /** The result as it goes on the wire. @throws what the author's code throws, or Error for what MCP does not allow */
  read(args: Record<string, unknown>, ctx: ToolContext): Promise<Record<string, unknown>>
}

/** Top-level fields of a result, which the audit may name. */
export const READ_FIELDS = ['description', 'messages', 'contents']

export function findReadable(table: ToolTable, wanted: Wanted): Readable | undefined {
  return wanted.kind === 'prompt' ? findPrompt(table, wanted) : findResource(table, wanted.uri)
}

function findPrompt(table: ToolTable, wanted: Extract<Wanted, { kind: 'prompt' }>): Readable | undefined {
  const prompt = table.prompts.get(wanted.name)
  if (!prompt) return undefined
  const { options } = prompt.definition
  return {
    kind: 'prompt',
    name: options.name,
    digest: prompt.digest,
    input: prompt.input,
    arguments: wanted.arguments,
    redact: options.redact ?? [],
    complete: options.complete ?? {},
    read: async (args, ctx) => allowed(PromptResult, await prompt.definition.run(args, ctx)),
  }
}

/**
 * A fixed address comes before a template that it would fit, and templates come in the order of the definition. A template is also an address
 * of its own: that is how what its variables may be is asked for.
 */
function findResource(table: ToolTable, uri: string): Readable | undefined {
  const resources = [...table.resources.values()]
  const fixed = resources.find(({ surface }) => surface.uri === uri || surface.uriTemplate === uri)
  for (const resource of fixed ? [fixed] : resources) {
    const variables = resource.match(uri)
    if (!variables) continue
    const { options } = resource.definition
    return {
      kind: 'resource',
      name: options.name,
      digest: resource.digest,
      input: resource.variables,
      arguments: variables,
      redact: [],
      complete: options.complete ?? {},
      async read(args, ctx) {
        const content = allowed(ResourceContent, await resource.definition.read(args, ctx))
        return { contents: [{ uri, mimeType: options.mimeType, ...content }] }
      },
    }
  }
  return undefined
}

function allowed<S extends z.ZodType>(schema: S, result: unknown): z.output<S> {
  const parsed = schema.safeParse(result)
  if (parsed.success) return parsed.data
  throw new Error(`returned what MCP does not allow: ${z.prettifyError(parsed.error)}`)
}
