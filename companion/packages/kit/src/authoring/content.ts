import { z } from 'zod'

/** Base64 as MCP carries bytes (RFC 4648 section 4, padded). */
const Base64 = z.base64()
const MimeType = z.string().min(1).max(200)
const Uri = z.string().min(1).max(2000)

const ImageContent = z.strictObject({ type: z.literal('image'), data: Base64, mimeType: MimeType })
const AudioContent = z.strictObject({ type: z.literal('audio'), data: Base64, mimeType: MimeType })
const EmbeddedResource = z.strictObject({
  type: z.literal('resource'),
  resource: z.union([
    z.strictObject({ uri: Uri, mimeType: MimeType.optional(), text: z.string() }),
    z.strictObject({ uri: Uri, mimeType: MimeType.optional(), blob: Base64 }),
  ]),
})
const ResourceLink = z.strictObject({
  type: z.literal('resource_link'),
  uri: Uri,
  name: z.string().min(1).max(128),
  title: z.string().max(200).optional(),
  description: z.string().max(8000).optional(),
  mimeType: MimeType.optional(),
})

/** What a tool may return beside its data and its text (MCP 2026-07-28, server/tools, "tool result"). */
export const AttachedContent = z.discriminatedUnion('type', [
  ImageContent,
  AudioContent,
  EmbeddedResource,
  ResourceLink,
])
export type AttachedContent = z.infer<typeof AttachedContent>

/** What a message of a prompt may be. */
export const MessageContent = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: z.string() }),
  ...AttachedContent.options,
])
export type MessageContent = z.infer<typeof MessageContent>

/** What a resource is made of: text, or bytes as base64. */
export const ResourceContent = z.union([
  z.strictObject({ text: z.string(), mimeType: MimeType.optional() }),
  z.strictObject({ blob: Base64, mimeType: MimeType.optional() }),
])
export type ResourceContent = z.infer<typeof ResourceContent>
