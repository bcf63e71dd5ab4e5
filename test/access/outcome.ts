import { z } from 'zod'
import type { WireAnswer } from './wire.ts'

/** What came of a request, whichever of the forms that HTTP and MCP have for it carried the news. */
export type Outcome =
  | { readonly kind: 'allowed'; readonly result: Readonly<Record<string, unknown>> }
  | { readonly kind: 'refused'; readonly status: number; readonly code: string; readonly reason: string }

const Failure = z.looseObject({ code: z.string(), message: z.string() })
const Refused = z.looseObject({ isError: z.literal(true), _meta: z.object({ 'dev.gatehouse/failure': Failure }) })
const RpcError = z.object({ message: z.string(), data: z.looseObject({ code: z.string() }) })
const Message = z.looseObject({ result: z.record(z.string(), z.unknown()).optional(), error: RpcError.optional() })

/** @throws for an answer in no known form: a client could not tell what it means either */
export function outcomeOf({ status, body }: WireAnswer): Outcome {
  const value = lastMessage(body)
  const problem = Failure.safeParse(value)
  if (problem.success) return { kind: 'refused', status, code: problem.data.code, reason: problem.data.message }
  const message = Message.safeParse(value)
  if (!message.success) throw new Error(`no answer that a client could read: ${status} ${body.slice(0, 500)}`)
  const { result, error } = message.data
  if (error) return { kind: 'refused', status, code: error.data.code, reason: error.message }
  const refused = Refused.safeParse(result)
  if (refused.success) {
    const { code, message: reason } = refused.data._meta['dev.gatehouse/failure']
    return { kind: 'refused', status, code, reason }
  }
  if (!result) throw new Error(`neither a result nor an error: ${status} ${body.slice(0, 500)}`)
  return { kind: 'allowed', result }
}

/** Of a body, or of the last event of a stream. */
function lastMessage(body: string): unknown {
  const events = body.split('\n').flatMap((line) => (line.startsWith('data: {') ? [line.slice(6)] : []))
  try {
    return JSON.parse(events.at(-1) ?? body)
  } catch {
    return undefined
  }
}
