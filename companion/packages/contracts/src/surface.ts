import { z } from 'zod'
import { type Digest, digestOf } from './digest.ts'

/** What a tool does to the world. `expensive` and `write` run only with an approval. */
export const Effect = z.enum(['read', 'expensive', 'write'])
export type Effect = z.infer<typeof Effect>

const JsonSchema = z.record(z.string(), z.unknown())

/** The part of an MCP tool (specification 2026-07-28, server/tools) that a reviewer signs. */
export const ToolSurface = z.object({
  name: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/),
  title: z.string().max(200).optional(),
  description: z.string().max(8000).optional(),
  inputSchema: JsonSchema,
  outputSchema: JsonSchema.optional(),
  annotations: z.record(z.string(), z.unknown()).optional(),
})
export type ToolSurface = z.infer<typeof ToolSurface>

export const PromptSurface = z.object({
  name: z.string().min(1).max(128),
  title: z.string().max(200).optional(),
  description: z.string().max(8000).optional(),
  arguments: z.array(z.record(z.string(), z.unknown())).optional(),
})
export type PromptSurface = z.infer<typeof PromptSurface>

export const ResourceSurface = z.object({
  name: z.string().min(1).max(128),
  uri: z.string().max(2000),
  title: z.string().max(200).optional(),
  description: z.string().max(8000).optional(),
  mimeType: z.string().max(200).optional(),
})
export type ResourceSurface = z.infer<typeof ResourceSurface>

export const ServerSurface = z.object({
  /** Reaches the model's system prompt, so it is part of what is reviewed. */
  instructions: z.string().max(16_000).optional(),
  tools: z.array(ToolSurface).max(1000),
  prompts: z.array(PromptSurface).max(1000),
  resources: z.array(ResourceSurface).max(1000),
})
export type ServerSurface = z.infer<typeof ServerSurface>

/** Digest of one tool: name, title, description, input and output schema, annotations; nothing else that a list may carry. */
export function toolDigest(tool: ToolSurface): Digest {
  return digestOf(defined(ToolSurface.parse(tool)))
}

/** Digest of a whole server: its instructions and every tool, prompt and resource, sorted by name. */
export function surfaceDigest(surface: ServerSurface): Digest {
  const parsed = ServerSurface.parse(surface)
  return digestOf({
    instructions: parsed.instructions ?? '',
    tools: sorted(parsed.tools).map((tool) => [tool.name, toolDigest(tool)]),
    prompts: sorted(parsed.prompts).map((prompt) => [prompt.name, digestOf(defined(prompt))]),
    resources: sorted(parsed.resources).map((resource) => [resource.name, digestOf(defined(resource))]),
  })
}

function sorted<T extends { name: string }>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

/** An absent field and a field that is `undefined` are the same surface. */
function defined(item: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined))
}
