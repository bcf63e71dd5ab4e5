import type { SpiffeId } from '@gatehouse/contracts'
import type { X509Identity } from '@gatehouse/kit/workload'
import { z } from 'zod'
import { CallError } from './call-error.ts'
import { type Answer, post } from './mutual-tls.ts'

const PROTOCOL = '2026-07-28'
const TOOL = 'table_freshness'

const Freshness = z.object({
  tables: z.array(
    z.object({ name: z.string(), last_updated: z.iso.datetime().nullable(), age_seconds: z.number().nullable() }),
  ),
})
export type Freshness = z.infer<typeof Freshness>

const Message = z.object({
  result: z
    .object({ isError: z.boolean().default(false), structuredContent: z.unknown(), content: z.unknown() })
    .partial()
    .optional(),
  error: z.object({ message: z.string(), data: z.looseObject({ code: z.string().optional() }).optional() }).optional(),
})
const FirstText = z.tuple([z.object({ text: z.string() })], z.unknown())

export interface Question {
  readonly url: string
  readonly server: SpiffeId
  readonly tables: readonly string[] | undefined
  readonly signal: AbortSignal
}

/** One `tools/call` of MCP 2026-07-28, which needs no session. @throws CallError */
export async function askFreshness(identity: X509Identity, { tables, ...to }: Question): Promise<Freshness> {
  const answer = await post(identity, {
    ...to,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': PROTOCOL,
      'mcp-method': 'tools/call',
      'mcp-name': TOOL,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name: TOOL,
        arguments: tables ? { tables } : {},
        _meta: {
          'io.modelcontextprotocol/protocolVersion': PROTOCOL,
          'io.modelcontextprotocol/clientInfo': { name: 'gatehouse-nightly', version: '0.1.0' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  })
  return freshnessOf(answer)
}

function freshnessOf(answer: Answer): Freshness {
  const message = messageOf(answer)
  if (message?.error) {
    const { code } = message.error.data ?? {}
    throw refusal(answer, `${code === undefined ? '' : `${code}: `}${message.error.message}`)
  }
  if (answer.status !== 200 || !message?.result) throw refusal(answer, `HTTP status ${answer.status}`)
  if (message.result.isError) {
    throw new CallError('call_refused', FirstText.safeParse(message.result.content).data?.[0].text ?? 'the tool failed')
  }
  const parsed = Freshness.safeParse(message.result.structuredContent)
  if (!parsed.success) throw new CallError('call_refused', 'the answer is not what table_freshness returns')
  return parsed.data
}

/** The last message of a stream, or the only one. */
function messageOf({ text }: Answer): z.infer<typeof Message> | undefined {
  const lines = text.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice('data: '.length)] : []))
  try {
    return Message.safeParse(JSON.parse(lines.at(-1) ?? text)).data
  } catch {
    return undefined
  }
}

/** Too many calls, a server that starts or stops, one without its own record: all that passes. */
function refusal({ status }: Answer, what: string): CallError {
  return new CallError(status === 429 || status >= 500 ? 'call_failed' : 'call_refused', `the server refused: ${what}`)
}
