import type { ElicitRequest, ElicitResult } from '@modelcontextprotocol/client'
import { z } from 'zod'
import type { Elicitation, ElicitationAnswer } from './types.ts'

export type Elicit = (elicitation: Elicitation, signal: AbortSignal) => Promise<ElicitationAnswer>

const MAX_MESSAGE = 4000
const Content = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]))

/** One handler for both eras: a server's request (2025-11-25), or an entry of `inputRequests` (2026-07-28), which the client feeds to it. */
export async function answerElicitation(
  server: string,
  request: ElicitRequest,
  elicit: Elicit,
  signal: AbortSignal,
): Promise<ElicitResult> {
  const elicitation = elicitationOf(server, request.params)
  if (!elicitation) return { action: 'decline' }
  try {
    const answer = await elicit(elicitation, signal)
    if (answer.action !== 'accept') return { action: answer.action }
    if (elicitation.mode === 'url') return { action: 'accept' }
    return { action: 'accept', content: Content.parse(answer.content ?? {}) }
  } catch {
    return { action: 'cancel' }
  }
}

function elicitationOf(server: string, params: ElicitRequest['params']): Elicitation | undefined {
  const message = params.message.slice(0, MAX_MESSAGE)
  if (params.mode === 'url')
    return URL.canParse(params.url) ? { mode: 'url', server, message, url: params.url } : undefined
  return { mode: 'form', server, message, schema: params.requestedSchema }
}
