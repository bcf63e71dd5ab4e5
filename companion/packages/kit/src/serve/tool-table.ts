import { type Digest, type ServerSurface, surfaceDigest, ToolSurface, toolDigest } from '@gatehouse/contracts'
import { z } from 'zod'
import { collectOffers, type Offer, type ToolSource } from '../authoring/collect.ts'
import { DefinitionError } from '../authoring/definition-error.ts'
import type { AccessPolicy } from '../authoring/policy.ts'
import type { ToolDefinition } from '../authoring/tool.ts'
import { type ParamHeader, paramHeadersOf } from './param-headers.ts'
import { type ServedPrompt, servedPrompt } from './prompt-table.ts'
import { type ServedResource, servedResource } from './resource-table.ts'

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
  /** Arguments that a client repeats in a header. */
  readonly paramHeaders: readonly ParamHeader[]
}

/** Policies by name. */
type Policies = Readonly<Record<string, AccessPolicy>>

/** All that a server offers, by name, in the order of its definition. */
export interface ToolTable {
  readonly tools: ReadonlyMap<string, ServedTool>
  readonly prompts: ReadonlyMap<string, ServedPrompt>
  /** Templates too. */
  readonly resources: ReadonlyMap<string, ServedResource>
  readonly policies: { readonly tools: Policies; readonly prompts: Policies; readonly resources: Policies }
  readonly surface: ServerSurface
  readonly digest: Digest
}

/** @throws DefinitionError */
export function createToolTable(source: ToolSource, instructions: string | undefined): ToolTable {
  const tools = new Map<string, ServedTool>()
  const prompts = new Map<string, ServedPrompt>()
  const resources = new Map<string, ServedResource>()
  const policies = { tools: emptyPolicies(), prompts: emptyPolicies(), resources: emptyPolicies() }
  for (const offer of collectOffers(source)) {
    const { name } = offer.options
    switch (offer.kind) {
      case 'tool':
        policies.tools[name] = policyOf(offer, tools)
        tools.set(name, servedTool(offer))
        break
      case 'prompt':
        policies.prompts[name] = policyOf(offer, prompts)
        prompts.set(name, servedPrompt(offer))
        break
      case 'resource':
        policies.resources[name] = policyOf(offer, resources)
        resources.set(name, servedResource(offer))
        break
    }
  }
  refuseSameAddress(resources)
  const surface: ServerSurface = {
    ...(instructions !== undefined && { instructions }),
    tools: surfacesOf(tools),
    prompts: surfacesOf(prompts),
    resources: surfacesOf(resources),
  }
  return { tools, prompts, resources, policies, surface, digest: surfaceDigest(surface) }
}

/** Scopes that a policy asks for, each once. */
export function scopesOf({ policies }: Pick<ToolTable, 'policies'>): readonly string[] {
  const all = Object.values(policies).flatMap((byName) => Object.values(byName))
  return [...new Set(all.flatMap(({ scopes = [] }) => scopes))].sort()
}

function emptyPolicies(): Record<string, AccessPolicy> {
  return Object.create(null) as Record<string, AccessPolicy>
}

function policyOf({ kind, options: { name }, policy }: Offer, known: ReadonlyMap<string, unknown>): AccessPolicy {
  if (known.has(name)) throw new DefinitionError(`${kind}_duplicate`, `two of the kind ${kind} are called ${name}`)
  if (policy) return policy
  const decorator = `@authorize${kind.charAt(0).toUpperCase()}${kind.slice(1)}`
  throw new DefinitionError(`${kind}_without_policy`, `the ${kind} ${name} has no policy: add ${decorator}`)
}

function surfacesOf<S>(offers: ReadonlyMap<string, { readonly surface: S }>): S[] {
  return [...offers.values()].map(({ surface }) => surface)
}

/** Of two with one address nobody could say which policy holds. */
function refuseSameAddress(resources: ReadonlyMap<string, ServedResource>): void {
  const addresses = [...resources.values()].map(({ surface }) => surface.uri ?? surface.uriTemplate)
  const twice = addresses.find((address, index) => addresses.indexOf(address) !== index)
  if (twice !== undefined) throw new DefinitionError('resource_duplicate', `two resources have the address ${twice}`)
}

function servedTool(definition: ToolDefinition): ServedTool {
  const { name, title, description, annotations } = definition.options
  const input = strictlyAs(definition.options.input)
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
    paramHeaders: paramHeadersOf(name, inputSchema),
  }
}

/** Refuses unknown keys; what the author said of the schema (`.meta(…)`) stays with it. */
function strictlyAs(schema: z.ZodObject): z.ZodObject {
  const said = z.globalRegistry.get(schema)
  return said ? schema.strict().meta(said) : schema.strict()
}

/**
 * JSON Schema 2020-12, MCP's dialect when `$schema` is absent. Some clients know no other value of it than draft-07's, so it stands there only
 * when the author names it (`.meta({ $schema })`).
 */
function jsonSchemaOf(name: string, schema: z.ZodObject, io: 'input' | 'output'): Record<string, unknown> {
  try {
    const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io }) as Record<string, unknown>
    return z.globalRegistry.get(schema)?.['$schema'] === undefined ? rest : { $schema, ...rest }
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
