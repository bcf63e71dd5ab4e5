import { z } from 'zod'

/** What a write answered, kept so that a retry on the same receipt gets the answer and not a second run. */
export const StoredOutcome = z.object({
  isError: z.boolean(),
  structured: z.unknown().optional(),
  text: z.string(),
})
export type StoredOutcome = z.infer<typeof StoredOutcome>
