import { digestOf, Plan } from '@gatehouse/contracts'
import { z } from 'zod'
import { ReceiptTerms } from './receipt.ts'
import type { PlanSeal } from './seal.ts'
import type { PlanEntry } from './types.ts'

const StoredState = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('pending'), orphaned: z.boolean() }),
  z.object({ kind: z.literal('approved'), at: z.iso.datetime(), receipt: ReceiptTerms.optional() }),
  z.object({ kind: z.literal('running'), at: z.iso.datetime(), receipt: ReceiptTerms }),
  z.object({ kind: z.literal('rejected'), at: z.iso.datetime(), reason: z.string() }),
  z.object({ kind: z.literal('withdrawn'), at: z.iso.datetime() }),
  z.object({ kind: z.literal('expired') }),
  z.object({
    kind: z.literal('done'),
    at: z.iso.datetime(),
    outcome: z.enum(['ok', 'failed']),
    text: z.string(),
  }),
])

/** One plan as it lies on disk: `<plan id>.json`. The digest is not stored; it follows from the plan. */
const StoredPlan = z
  .strictObject({
    version: z.literal(1),
    plan: Plan,
    states: z.record(z.string(), StoredState),
    touches: z.record(z.string(), z.array(z.string())),
  })
  .refine(({ plan, states }) => plan.steps.every((step) => states[step.id]), 'a step has no state')
  .refine(
    ({ plan }) => plan.steps.every((step) => step.kind !== 'call' || step.argumentsDigest === digestOf(step.arguments)),
    "a step's arguments are not those that were proposed",
  )

const Sealed = z.looseObject({ seal: z.string() })

export function writeStored(entry: PlanEntry, seal: PlanSeal): string {
  const { plan, states, touches } = entry
  const content = { version: 1, plan, states, touches }
  return JSON.stringify({ ...content, seal: seal.of(JSON.stringify(content)) })
}

/** @throws SyntaxError, RangeError, ZodError or JsonError for a file that cannot be trusted */
export function readStored(text: string, planSeal: PlanSeal): PlanEntry {
  const { seal, ...content } = Sealed.parse(JSON.parse(text))
  // To the letter: a key that stands twice, say, is nothing that was written here.
  const written = JSON.stringify({ ...content, seal }) === text
  if (!written || !planSeal.fits(JSON.stringify(content), seal)) {
    throw new RangeError('the file was not written by this extension')
  }
  const { plan, states, touches } = StoredPlan.parse(content)
  return { plan, digest: digestOf(plan), states, touches }
}
