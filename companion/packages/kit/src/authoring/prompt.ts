import { z } from 'zod'
import type { Completions } from './completion.ts'
import { MessageContent } from './content.ts'
import type { ToolContext } from './context.ts'
import type { AccessPolicy } from './policy.ts'

export const PromptResult = z.strictObject({
  description: z.string().max(8000).optional(),
  messages: z
    .array(z.strictObject({ role: z.enum(['user', 'assistant']), content: MessageContent }))
    .min(1)
    .max(1000),
})
/** The messages that a client puts in its conversation. */
export type PromptResult = z.infer<typeof PromptResult>

export interface PromptOptions<I extends z.ZodObject, T = unknown> {
  /** `[A-Za-z0-9_.-]{1,64}` */
  readonly name: string
  readonly title: string
  /** Written for the person who chooses it. */
  readonly description: string
  /** Its fields are strings on the wire; unknown ones are refused. A field's `.describe(…)` is shown to the person. */
  readonly input: I
  /** Names of arguments whose value the audit never holds. */
  readonly redact?: readonly string[]
  /** Suggestions while an argument is typed. */
  readonly complete?: Completions<T>
}

/** A prompt as the kit serves it, bound to its instance. The types of the arguments are erased. */
export interface PromptDefinition {
  readonly kind: 'prompt'
  readonly options: PromptOptions<z.ZodObject>
  /** Absent: the server does not start (`prompt_without_policy`). */
  readonly policy: AccessPolicy | undefined
  run(args: Record<string, unknown>, ctx: ToolContext): Promise<PromptResult>
}
