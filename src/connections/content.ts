import { z } from 'zod'

const MAX_URI = 2000
const MAX_NAME = 400
const MAX_DESCRIPTION = 4000

const Uri = z
  .string()
  .max(MAX_URI)
  .refine((uri) => URL.canParse(uri), 'not an absolute URI')
const MimeType = z.string().regex(/^[\w.+-]{1,100}\/[\w.+-]{1,100}(?:\s*;\s*[\w.+-]{1,100}=[^\s;]{1,200}){0,5}$/)
const Role = z.enum(['user', 'assistant'])
/** Whom a block is for (MCP annotations); one that names nobody we know is for no model. */
const Audience = z
  .array(z.string())
  .max(10)
  .transform((roles) => roles.flatMap((role) => Role.safeParse(role).data ?? []))
  .optional()
  .catch(undefined)
const annotations = z.object({ audience: Audience }).optional().catch(undefined)

/** Text, or bytes as base64, of one resource. */
export const ResourceContents = z.union([
  z.object({ uri: Uri, mimeType: MimeType.optional().catch(undefined), text: z.string() }),
  z.object({ uri: Uri, mimeType: MimeType.optional().catch(undefined), blob: z.base64() }),
])
export type ResourceContents = z.infer<typeof ResourceContents>

/** A content block of MCP (2026-07-28, server/tools) as it is passed on; other fields that a server sets are dropped. */
export const Content = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string(), annotations }),
  z.object({
    type: z.literal('image'),
    data: z.base64(),
    mimeType: MimeType.refine((type) => type.startsWith('image/')),
    annotations,
  }),
  z.object({
    type: z.literal('audio'),
    data: z.base64(),
    mimeType: MimeType.refine((type) => type.startsWith('audio/')),
    annotations,
  }),
  z.object({
    type: z.literal('resource_link'),
    uri: Uri,
    name: z.string().max(MAX_NAME),
    title: z.string().max(MAX_NAME).optional().catch(undefined),
    description: z.string().max(MAX_DESCRIPTION).optional().catch(undefined),
    mimeType: MimeType.optional().catch(undefined),
    annotations,
  }),
  z.object({ type: z.literal('resource'), resource: ResourceContents, annotations }),
])
export type Content = z.infer<typeof Content>

/** A block as text for a reader that knows nothing but text; what it leaves out it names. */
export function textOf(block: Content): string {
  switch (block.type) {
    case 'text':
      return block.text
    case 'resource':
      return 'text' in block.resource ? block.resource.text : `[resource ${block.resource.uri} left out]`
    case 'resource_link':
      return `[${block.name}: ${block.uri}]`
    default:
      return `[${block.type} left out]`
  }
}

export function isForModel({ annotations }: Content): boolean {
  return !annotations?.audience || annotations.audience.includes('assistant')
}

/** A block that is not of a known form is not passed on; the model is told that something is missing. */
export function contentOf(block: unknown): Content {
  const known = Content.safeParse(block)
  if (known.success) return known.data
  const type = z.object({ type: z.string() }).safeParse(block)
  return { type: 'text', text: `[${type.success ? type.data.type.slice(0, 40) : 'content'} left out]` }
}
