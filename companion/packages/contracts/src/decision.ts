import { z } from 'zod'

export const Action = z.enum(['list', 'call', 'read'])
export type Action = z.infer<typeof Action>

/** The answer of `decide`: `reason` is fit for a person and says nothing about what the caller may not know. */
export const Decision = z.object({
  allowed: z.boolean(),
  reason: z.string(),
  /** Id of the rule that decided; `default` when no rule permitted. */
  rule: z.string(),
})
export type Decision = z.infer<typeof Decision>
