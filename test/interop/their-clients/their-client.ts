import { z } from 'zod'

/** A client that somebody else wrote, signed in as one person at our Presto server. */
export interface TheirClient {
  /** Names of the tools that it lists, sorted. */
  tools(): Promise<string[]>
  call(tool: string, args: Record<string, unknown>): Promise<TheirAnswer>
  close(): Promise<void>
}

/** What it shows of a result. */
export interface TheirAnswer {
  readonly isError: boolean
  readonly text: string
  /** The structured content, or of a failure its code and data. */
  readonly data: Record<string, unknown>
}

const Data = z.record(z.string(), z.unknown())
const Result = z.object({
  isError: z.boolean().default(false),
  content: z.array(z.looseObject({ text: z.string().default('') })),
  structuredContent: Data.optional(),
  _meta: z.looseObject({ 'dev.gatehouse/failure': Data.optional() }).default({}),
})
const Tools = z.object({ tools: z.array(z.object({ name: z.string() })) })

export function readResult(raw: unknown): TheirAnswer {
  const { isError, content, structuredContent, _meta } = Result.parse(raw)
  return {
    isError,
    text: content.map(({ text }) => text).join('\n'),
    data: structuredContent ?? _meta['dev.gatehouse/failure'] ?? {},
  }
}

export function readTools(raw: unknown): string[] {
  return Tools.parse(raw)
    .tools.map(({ name }) => name)
    .sort()
}
