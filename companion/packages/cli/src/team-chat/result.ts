import { Proposal, type ServerRecord } from '@gatehouse/contracts'
import type { CallToolResult } from '@modelcontextprotocol/client'
import { z } from 'zod'
import type { Answer } from './answer.ts'

/** Where a server of ours puts the data of a failed result. */
const FAILURE_META = 'dev.gatehouse/failure'

const Failure = z.object({
  code: z.string(),
  message: z.string().default(''),
  next: z.string().optional(),
  proposal: Proposal.optional(),
})

/** A tool's result as the bot's answer. */
export function answerOf({ id }: ServerRecord, result: CallToolResult): Answer {
  const text = textOf(result)
  if (result.isError !== true) return { kind: 'result', text, data: result.structuredContent ?? null }
  const failure = Failure.safeParse(result.structuredContent ?? result._meta?.[FAILURE_META])
  if (!failure.success) return { kind: 'failed', code: 'tool_failed', message: text, next: undefined }
  const { code, message, next, proposal } = failure.data
  if (code === 'approval_required') return { kind: 'approval_required', server: id, summary: proposal?.summary ?? '' }
  if (code === 'denied') return { kind: 'denied', code, reason: message }
  return { kind: 'failed', code, message: message || text, next }
}

function textOf({ content }: CallToolResult): string {
  return content.flatMap((part) => (part.type === 'text' ? part.text : [])).join('\n')
}
