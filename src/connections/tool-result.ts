import { Proposal } from '@gatehouse/contracts'
import { z } from 'zod'
import { contentOf, isForModel, textOf } from './content.ts'
import { ConnectionError } from './errors.ts'
import type { ToolOutcome } from './types.ts'

/** Longest text kept, characters; the bridge cuts to what a chat can hold. */
const MAX_TEXT = 4_000_000

/** `_meta` key under which a Gatehouse server puts the data of a failure in the 2025-11-25 era, where `structuredContent` must fit the output schema. */
const FAILURE_META = 'dev.gatehouse/failure'

/** The parts of an MCP tool result (2026-07-28, server/tools) that are used; whatever else a server puts there is dropped. */
const Result = z.object({
  content: z
    .array(z.object({ type: z.string() }).loose())
    .max(10_000)
    .default([]),
  structuredContent: z.record(z.string(), z.unknown()).optional(),
  isError: z.boolean().optional(),
  _meta: z
    .object({ [FAILURE_META]: z.record(z.string(), z.unknown()).optional().catch(undefined) })
    .optional()
    .catch(undefined),
})

const Coded = z.object({ code: z.string().regex(/^[a-z][a-z0-9_]{0,63}$/) })
const Replayed = z.object({
  code: z.literal('approval_replayed'),
  outcome: z.object({
    isError: z.boolean(),
    structured: z.record(z.string(), z.unknown()).optional().catch(undefined),
    text: z.string(),
  }),
})
const ApprovalRequired = z.object({ code: z.literal('approval_required'), proposal: z.unknown() })

/** @throws ConnectionError `result_invalid` */
export function outcomeOf(result: unknown): ToolOutcome {
  const parsed = Result.safeParse(result)
  if (!parsed.success) throw new ConnectionError('result_invalid', 'The tool answered in a form that is not valid MCP.')
  const { content, isError = false, _meta } = parsed.data
  const structuredContent = parsed.data.structuredContent ?? (isError ? _meta?.[FAILURE_META] : undefined)
  const blocks = content.map(contentOf)
  const text = blocks.filter(isForModel).map(textOf).join('\n')
  const outcome = told(isError, text || (isError ? 'The tool failed and said nothing more.' : ''), structuredContent)
  return blocks.every((block) => block.type === 'text' && isForModel(block)) ? outcome : { ...outcome, content: blocks }
}

/** What came of the first call under a receipt, where a server answers a second one with `approval_replayed` and that; else `outcome` itself. */
export function firstOutcome(outcome: ToolOutcome): ToolOutcome {
  const replayed = outcome.isError ? Replayed.safeParse(outcome.structured) : undefined
  if (!replayed?.success) return outcome
  const { isError, text, structured } = replayed.data.outcome
  return told(isError, text, structured)
}

/**
 * What the server proposes that a person approve, or `undefined` where it does not ask for an approval.
 * @throws ConnectionError `proposal_invalid`
 */
export function proposalOf(outcome: ToolOutcome): Proposal | undefined {
  if (!outcome.isError) return undefined
  const asks = ApprovalRequired.safeParse(outcome.structured)
  if (!asks.success) return undefined
  const proposal = Proposal.safeParse(asks.data.proposal)
  if (!proposal.success) {
    throw new ConnectionError(
      'proposal_invalid',
      'The server asks for an approval but does not say of what. Nothing was run.',
    )
  }
  return proposal.data
}

function told(isError: boolean, text: string, structured: Record<string, unknown> | undefined): ToolOutcome {
  const coded = Coded.safeParse(structured)
  return {
    isError,
    text: text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text,
    ...(isError && coded.success && { code: coded.data.code }),
    ...(structured && { structured }),
  }
}
