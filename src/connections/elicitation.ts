import type { ElicitRequest, ElicitResult } from '@modelcontextprotocol/client'
import { z } from 'zod'
import { ConnectionError } from './errors.ts'
import type { Elicitation, ElicitationAnswer } from './types.ts'

export type Elicit = (elicitation: Elicitation, signal: AbortSignal) => Promise<ElicitationAnswer>

const MAX_MESSAGE = 4000
/** Questions of one server that are before a person at once, and that one call, or several that overlap, may ask in all. */
const AT_ONCE = 5
const IN_A_ROW = 20
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

/** How often one server may ask a person something: only while it works on a call, and not without end. */
export interface ElicitationGate {
  /** Around each call. */
  whileCalled<T>(call: () => Promise<T>): Promise<T>
  /** @throws ConnectionError `result_invalid` where the server asks too much */
  ask<T>(question: () => Promise<T>): Promise<T>
}

export function createElicitationGate(title: string): ElicitationGate {
  let calls = 0
  let open = 0
  let asked = 0
  return {
    async whileCalled(call) {
      if (calls === 0) asked = 0
      calls++
      try {
        return await call()
      } finally {
        calls--
      }
    },
    async ask(question) {
      if (calls === 0 || open >= AT_ONCE || asked >= IN_A_ROW) {
        throw new ConnectionError(
          'result_invalid',
          `${title} asks too many questions, so it is not listened to. Tell its owner.`,
        )
      }
      asked++
      open++
      try {
        return await question()
      } finally {
        open--
      }
    },
  }
}
