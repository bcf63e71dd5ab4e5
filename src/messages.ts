import { z } from 'zod'
import type { Effect as ContractEffect } from '@gatehouse/contracts/surface'

/*
 * Messages between the extension host and its webviews. The host makes complete view data, so a webview never computes what a person
 * decides on; the webview answers with ids and with the digest of what it showed. Both sides parse what arrives.
 */

/** Kept equal to the contract's by the compiler; imported as a type alone, since the contract's module needs Node's crypto. */
const Effect = z.enum(['read', 'expensive', 'write']) satisfies z.ZodType<ContractEffect>

/** Text from a server or a model, made safe to look at: what cannot be seen stands in it as `⟦U+202E⟧`, and `hidden` counts those. */
export const ShownText = z.object({ text: z.string(), hidden: z.int().min(0) })
export type ShownText = z.infer<typeof ShownText>

export const ArgumentView = z.object({
  name: ShownText,
  /** `sql` and `text` are shown as they are, line by line; `json` is everything that is not a string. */
  format: z.enum(['sql', 'text', 'json']),
  value: ShownText,
})
export type ArgumentView = z.infer<typeof ArgumentView>

export const StepView = z.object({
  id: z.string(),
  /** `call`: sent back with a decision, so that what was shown is what is decided. */
  argumentsDigest: z.string(),
  server: z.string(),
  tool: z.string(),
  effect: Effect,
  effectWords: z.string(),
  risk: z.string(),
  summary: ShownText,
  touches: z.array(ShownText),
  arguments: z.array(ArgumentView),
  status: z.enum(['pending', 'approved', 'running', 'rejected', 'withdrawn', 'expired', 'done', 'failed']),
  statusWords: z.string(),
  /** It waits for the person: pending, or approved and then left by a reload before it ran. */
  decidable: z.boolean(),
  /** The call that proposed it has ended; approving it still runs it once. */
  orphaned: z.boolean(),
  outcome: ShownText.optional(),
})
export type StepView = z.infer<typeof StepView>

export const PlanView = z.object({
  id: z.string(),
  title: z.string(),
  proposedBy: z.string(),
  /** Epoch milliseconds. */
  createdAt: z.number(),
  expiresAt: z.number(),
  steps: z.array(StepView),
})
export type PlanView = z.infer<typeof PlanView>

/** Extension host → plans webview. */
export const PlansState = z.object({
  kind: z.literal('state'),
  /** Host clock, epoch milliseconds: the time left is counted from it. */
  now: z.number(),
  signedIn: z.boolean(),
  pending: z.array(PlanView),
  history: z.array(PlanView),
})
export type PlansState = z.infer<typeof PlansState>

const DecidedStep = z.strictObject({ id: z.uuid(), argumentsDigest: z.string().max(100) })
export type DecidedStep = z.infer<typeof DecidedStep>

/** Plans webview → extension host. */
export const PlansRequest = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ready') }),
  z.strictObject({ kind: z.literal('approve'), steps: z.array(DecidedStep).min(1).max(200) }),
  z.strictObject({
    kind: z.literal('reject'),
    steps: z.array(DecidedStep).min(1).max(200),
    reason: z.string().max(2000),
  }),
  z.strictObject({ kind: z.literal('sign-in') }),
])
export type PlansRequest = z.infer<typeof PlansRequest>

const FieldBase = { name: z.string(), title: z.string(), description: z.string().optional(), required: z.boolean() }
const Choice = z.object({ value: z.string(), title: z.string() })

/** One field of an elicitation form: MCP's restricted schema (specification 2025-11-25 and 2026-07-28, client/elicitation) made plain. */
export const FormField = z.discriminatedUnion('kind', [
  z.object({
    ...FieldBase,
    kind: z.literal('text'),
    format: z.enum(['email', 'uri', 'date', 'date-time']).optional(),
    minLength: z.int().optional(),
    maxLength: z.int().optional(),
    initial: z.string().optional(),
  }),
  z.object({
    ...FieldBase,
    kind: z.literal('number'),
    integer: z.boolean(),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    initial: z.number().optional(),
  }),
  z.object({ ...FieldBase, kind: z.literal('boolean'), initial: z.boolean() }),
  z.object({ ...FieldBase, kind: z.literal('choice'), choices: z.array(Choice), initial: z.string().optional() }),
  z.object({
    ...FieldBase,
    kind: z.literal('choices'),
    choices: z.array(Choice),
    minItems: z.int().optional(),
    maxItems: z.int().optional(),
    initial: z.array(z.string()),
  }),
])
export type FormField = z.infer<typeof FormField>

/** Extension host → elicitation webview. */
export const ElicitationView = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('form'), server: z.string(), message: ShownText, fields: z.array(FormField) }),
  z.object({
    kind: z.literal('url'),
    server: z.string(),
    message: ShownText,
    url: ShownText,
    domain: z.string(),
    secure: z.boolean(),
  }),
  /** What is wrong with the answer just sent, by field; the form stays open. */
  z.object({ kind: z.literal('problems'), problems: z.record(z.string(), z.string()) }),
])
export type ElicitationView = z.infer<typeof ElicitationView>

export const FieldValue = z.union([
  z.string().max(100_000),
  z.number(),
  z.boolean(),
  z.array(z.string().max(10_000)).max(1000),
])
export type FieldValue = z.infer<typeof FieldValue>

/** Elicitation webview → extension host. The host validates the content again: the page is not the judge. */
export const ElicitationRequest = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ready') }),
  z.strictObject({ kind: z.literal('accept'), content: z.record(z.string(), FieldValue).optional() }),
  z.strictObject({ kind: z.literal('decline') }),
  z.strictObject({ kind: z.literal('cancel') }),
])
export type ElicitationRequest = z.infer<typeof ElicitationRequest>
