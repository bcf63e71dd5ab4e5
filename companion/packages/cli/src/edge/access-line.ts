import { z } from 'zod'

const Text = z.string().max(4_096).nullable().catch(null)

/** What of a line of the edge's access log the audit needs; `edge-log.ts` writes it. What a client sent is as it sent it. */
const AccessLine = z.object({
  kind: z.literal('access'),
  server: Text,
  from: Text,
  subject: Text,
  client: Text,
  thumbprint: Text,
  groups: z.array(z.string().max(128)).max(1000).nullable().catch(null),
  mcpMethod: Text,
  mcpName: Text,
  code: Text,
  details: Text,
  traceparent: Text,
  durationMs: z.number().min(0).catch(0),
})
export type AccessLine = z.infer<typeof AccessLine>

/** The line of a request that the edge refused; undefined for every other, and for what is no line of an access log. */
export function refusedLine(text: string): (AccessLine & { readonly code: string }) | undefined {
  const parsed = AccessLine.safeParse(parse(text))
  if (!parsed.success) return undefined
  const { code, ...line } = parsed.data
  return code === null || !/^[a-z_]{1,64}$/.test(code) ? undefined : { ...line, code }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
