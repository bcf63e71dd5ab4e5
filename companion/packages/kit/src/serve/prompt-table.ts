import { type Digest, PromptSurface, promptDigest } from '@gatehouse/contracts'
import { z } from 'zod'
import { DefinitionError } from '../authoring/definition-error.ts'
import type { PromptDefinition } from '../authoring/prompt.ts'

/** A prompt with all that can be made once, at start. */
export interface ServedPrompt {
  readonly definition: PromptDefinition
  readonly surface: PromptSurface
  readonly digest: Digest
  /** Strict: unknown arguments are refused. */
  readonly input: z.ZodObject
}

const NAME = /^[A-Za-z0-9_.-]{1,64}$/

/** @throws DefinitionError */
export function servedPrompt(definition: PromptDefinition): ServedPrompt {
  const { name, title, description, input, complete } = definition.options
  const surface = PromptSurface.safeParse({ name, title, description, arguments: argumentsOf(input) })
  if (!surface.success || !NAME.test(name))
    throw new DefinitionError('prompt_invalid', `the prompt ${name} is not valid: ${problem(surface.error)}`)
  const unknown = Object.keys(complete ?? {}).find((argument) => !Object.hasOwn(input.shape, argument))
  if (unknown !== undefined)
    throw new DefinitionError('prompt_invalid', `the prompt ${name} completes ${unknown}, which is no argument of it`)
  return { definition, surface: surface.data, digest: promptDigest(surface.data), input: input.strict() }
}

function argumentsOf(input: z.ZodObject): Record<string, unknown>[] {
  return Object.entries(input.shape).map(([name, schema]) => {
    const { title, description } = z.globalRegistry.get(schema) ?? {}
    return {
      name,
      ...(title !== undefined && { title }),
      ...(description !== undefined && { description }),
      required: !z.safeParse(schema, undefined).success,
    }
  })
}

function problem(error: z.ZodError | undefined): string {
  return error ? z.prettifyError(error) : 'its name'
}
