import { z } from 'zod'
import { contentOf, ResourceContents } from './content.ts'
import { ConnectionError } from './errors.ts'
import type { PromptText } from './types.ts'

/** What one prompt or resource may bring, bytes as they come; a response body is bounded before (call-channel.ts). */
const MAX_SIZE = 4_000_000
const MAX_PARTS = 1000

const Prompt = z.object({
  description: z.string().max(8000).optional().catch(undefined),
  messages: z.array(z.object({ role: z.enum(['user', 'assistant']), content: z.unknown() })).max(MAX_PARTS),
})
const Resource = z.object({ contents: z.array(ResourceContents).max(MAX_PARTS) })

/** @throws ConnectionError `result_invalid` */
export function promptTextOf(result: unknown): PromptText {
  const parsed = Prompt.safeParse(result)
  if (!parsed.success) throw invalid('The prompt')
  const { description, messages } = parsed.data
  return bounded('The prompt', {
    ...(description !== undefined && { description }),
    messages: messages.map(({ role, content }) => ({ role, content: contentOf(content) })),
  })
}

/** @throws ConnectionError `result_invalid` */
export function contentsOf(result: unknown): readonly ResourceContents[] {
  const parsed = Resource.safeParse(result)
  if (!parsed.success) throw invalid('The resource')
  return bounded('The resource', parsed.data.contents)
}

function bounded<T>(what: string, value: T): T {
  const size = JSON.stringify(value).length
  if (size <= MAX_SIZE) return value
  const words = `${what} is too large (${Math.ceil(size / 1000)} kB, of at most ${MAX_SIZE / 1000}). Ask for a part of it.`
  throw new ConnectionError('result_invalid', words)
}

function invalid(what: string): ConnectionError {
  return new ConnectionError('result_invalid', `${what} came in a form that is not valid MCP.`)
}
