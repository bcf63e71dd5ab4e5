import { z } from 'zod'
import { type Digest, digestOf, digestOfJson } from './digest.ts'
import { SurfaceError } from './errors.ts'
import { assertJson, type Json } from './json.ts'

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

/** A resource at one `uri`, or a template of many at `uriTemplate` (RFC 6570): exactly one of the two. */
export const ResourceSurface = z
  .object({
    name: z.string().min(1).max(128),
    uri: z.string().max(2000).optional(),
    uriTemplate: z.string().max(2000).optional(),
    title: z.string().max(200).optional(),
    description: z.string().max(8000).optional(),
    mimeType: z.string().max(200).optional(),
  })
  .refine(
    ({ uri, uriTemplate }) => (uri === undefined) !== (uriTemplate === undefined),
    'a resource has a uri or a uriTemplate',
  )
export type ResourceSurface = z.infer<typeof ResourceSurface>

export const ServerSurface = z.object({
  /** Reaches the model's system prompt, so it is part of what is reviewed. */
  instructions: z.string().max(16_000).optional(),
  tools: z.array(ToolSurface).max(1000),
  prompts: z.array(PromptSurface).max(1000),
  resources: z.array(ResourceSurface).max(1000),
})
export type ServerSurface = z.infer<typeof ServerSurface>

/**
 * Digest of one tool: name, title, description, input and output schema, annotations; nothing else that a list may carry.
 * @throws JsonError for what JSON cannot carry whole @throws ZodError
 */
export function toolDigest(tool: ToolSurface): Digest {
  return digestOfJson(signedPart(ToolSurface, tool).part)
}

/** A tool as a server lists it: the part that a reviewer signs, and its digest. @throws JsonError @throws ZodError */
export function readTool(listed: Readonly<Record<string, unknown>>): {
  readonly tool: ToolSurface
  readonly digest: Digest
} {
  const { part, parsed } = signedPart(ToolSurface, listed)
  return { tool: parsed, digest: digestOfJson(part) }
}

/** Digest of one prompt. @throws JsonError @throws ZodError */
export function promptDigest(prompt: PromptSurface): Digest {
  return digestOfJson(signedPart(PromptSurface, prompt).part)
}

/** Digest of one resource or resource template. @throws JsonError @throws ZodError */
export function resourceDigest(resource: ResourceSurface): Digest {
  return digestOfJson(signedPart(ResourceSurface, resource).part)
}

/**
 * Digest of a whole server: its instructions and every tool, prompt and resource, sorted by name.
 * @throws SurfaceError `surface_duplicate_name` @throws JsonError @throws ZodError
 */
export function surfaceDigest(surface: ServerSurface): Digest {
  const { instructions } = ServerSurface.parse(surface)
  return digestOf({
    instructions: instructions ?? '',
    tools: sorted(surface.tools).map((tool) => [tool.name, toolDigest(tool)]),
    prompts: sorted(surface.prompts).map((prompt) => [prompt.name, promptDigest(prompt)]),
    resources: sorted(surface.resources).map((item) => [item.name, resourceDigest(item)]),
  })
}

/** By UTF-16 code unit, as RFC 8785 sorts keys. Of two with one name nobody could say which was reviewed. */
function sorted<T extends { name: string }>(items: readonly T[]): T[] {
  if (new Set(items.map((item) => item.name)).size !== items.length) {
    throw new SurfaceError('surface_duplicate_name', 'two tools, prompts or resources have one name')
  }
  return [...items].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/**
 * The fields of `item` that its schema names; an absent field and one that is `undefined` are the same surface. Checked as JSON before
 * zod sees it, since zod's records drop a key named `__proto__`: what is shown would not be what is signed.
 */
function signedPart<T extends z.ZodObject>(
  schema: T,
  item: Readonly<Record<string, unknown>>,
): { readonly part: Json; readonly parsed: z.infer<T> } {
  const named = Object.keys(schema.shape).map((name) => [name, item[name]] as const)
  const part = assertJson(Object.fromEntries(named.filter(([, value]) => value !== undefined)))
  return { part, parsed: schema.parse(part) }
}
