import type { z } from 'zod'
import type { ToolContext } from './context.ts'
import type { AccessPolicy } from './policy.ts'
import type { PromptDefinition, PromptOptions, PromptResult } from './prompt.ts'

export interface FunctionPrompt<I extends z.ZodObject> extends PromptOptions<I> {
  readonly policy: AccessPolicy
  run(args: z.output<I>, ctx: ToolContext): Promise<PromptResult>
}

/** The function form of `@prompt` and `@authorizePrompt`. */
export function definePrompt<I extends z.ZodObject>(prompt: FunctionPrompt<I>): PromptDefinition {
  const { policy, ...options } = prompt
  return { kind: 'prompt', options, policy, run: (args, ctx) => prompt.run(args as z.output<I>, ctx) }
}
