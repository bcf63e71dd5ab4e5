import { z } from 'zod'
import { SurfaceName } from './caller.ts'
import { Digest } from './digest.ts'
import { ServerId } from './record.ts'
import { Effect } from './surface.ts'

export const CallStep = z.object({
  kind: z.literal('call'),
  id: z.uuid(),
  server: ServerId,
  tool: z.string(),
  arguments: z.record(z.string(), z.unknown()),
  argumentsDigest: Digest,
  toolDigest: Digest,
  effect: Effect,
  summary: z.string(),
})
export type CallStep = z.infer<typeof CallStep>

export const EditStep = z.object({
  kind: z.literal('edit'),
  id: z.uuid(),
  uri: z.string(),
  beforeDigest: Digest,
  edits: z.array(
    z.object({
      /** Zero-based, end-exclusive, as in LSP 3.17. */
      range: z.object({
        start: z.object({ line: z.int().min(0), character: z.int().min(0) }),
        end: z.object({ line: z.int().min(0), character: z.int().min(0) }),
      }),
      newText: z.string(),
    }),
  ),
})
export type EditStep = z.infer<typeof EditStep>

export const Step = z.discriminatedUnion('kind', [CallStep, EditStep])
export type Step = z.infer<typeof Step>

export const Plan = z.object({
  id: z.uuid(),
  /** Who proposed it: subject of the signed-in person whose agent asked. */
  createdBy: z.string(),
  surface: SurfaceName,
  /** The chat turn or command that proposed it; steps of one turn are one plan. */
  origin: z.object({
    door: z.enum(['chat', 'participant', 'command']),
    conversation: z.string().optional(),
    request: z.string().optional(),
  }),
  steps: z.array(Step).min(1).max(200),
  /** Expiry of the approved list the plan was made under, or its digest: tells one policy state from the next. */
  policyVersion: z.string(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
})
export type Plan = z.infer<typeof Plan>
