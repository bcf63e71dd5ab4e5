import { type Digest, type ServerSurface, surfaceDigest, ToolSurface, toolDigest } from '@gatehouse/contracts'
import { z } from 'zod'
import { collectTools, type ToolSource } from '../authoring/collect.ts'
import { DefinitionError } from '../authoring/definition-error.ts'
import type { ToolDefinition, ToolPolicy } from '../authoring/tool.ts'

/** A tool with all that can be made once, at start. */
export interface ServedTool {
  readonly definition: ToolDefinition
  /** What reviewers signed and clients list. */
  readonly surface: ToolSurface
  readonly digest: Digest
  /** Strict: unknown keys are refused. */
  readonly input: z.ZodObject
  readonly output: z.ZodObject
  readonly outputFields: readonly string[]
}

export interface ToolTable {
  readonly tools: ReadonlyMap<string, ServedTool>
  readonly policies: Readonly<Record<string, ToolPolicy>>
  readonly surface: ServerSurface
  readonly digest: Digest
}

/** @throws DefinitionError */
export function createToolTable(source: ToolSource, instructions: string | undefined): ToolTable {
  const tools = new Map<string, ServedTool>()
  const policies: Record<string, ToolPolicy> = Object.create(null) as Record<string, ToolPolicy>
  for (const definition of collectTools(source)) {
    const { name } = definition.options
    if (tools.has(name)) throw new DefinitionError('tool_duplicate', `two tools are called ${name}`)
    if (!definition.policy)
      throw new DefinitionError('tool_without_policy', `the tool ${name} has no policy: add @authorizeTool`)
    tools.set(name, servedTool(definition))
    policies[name] = definition.policy
  }
  const surface: ServerSurface = {
    ...(instructions !== undefined && { instructions }),
    tools: [...tools.values()].map((tool) => tool.surface),
    prompts: [],
    resources: [],
  }
  return { tools, policies, surface, digest: surfaceDigest(surface) }
}

function servedTool(definition: ToolDefinition): ServedTool {
  const { name, title, description, annotations } = definition.options
  const input = definition.options.input.strict()
  const { output } = definition.options
  const inputSchema = jsonSchemaOf(name, input, 'input')
  refuseOpen(name, inputSchema)
  const surface = ToolSurface.safeParse({
    name,
    title,
    description,
    inputSchema,
    outputSchema: jsonSchemaOf(name, output, 'output'),
    annotations: { ...annotations },
  })
  if (!surface.success)
    throw new DefinitionError('tool_invalid', `the tool ${name} is not valid: ${z.prettifyError(surface.error)}`)
  return {
    definition,
    surface: surface.data,
    digest: toolDigest(surface.data),
    input,
    output,
    outputFields: Object.keys(output.shape),
  }
}

/** JSON Schema 2020-12, MCP's dialect when `$schema` is absent; some clients know no other value of it than draft-07's. */
function jsonSchemaOf(name: string, schema: z.ZodObject, io: 'input' | 'output'): Record<string, unknown> {
  try {
    const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io }) as Record<string, unknown>
    return rest
  } catch (cause) {
    throw new DefinitionError('tool_invalid', `the ${io} of the tool ${name} has no JSON Schema`, { cause })
  }
}

function refuseOpen(name: string, schema: unknown): void {
  if (typeof schema !== 'object' || schema === null) return
  if ('properties' in schema && 'type' in schema && schema.type === 'object') {
    if (!('additionalProperties' in schema) || schema.additionalProperties !== false) {
      throw new DefinitionError(
        'tool_input_open',
        `the input of the tool ${name} has an object that takes unknown keys: use z.strictObject`,
      )
    }
  }
  for (const part of Object.values(schema)) refuseOpen(name, part)
}
