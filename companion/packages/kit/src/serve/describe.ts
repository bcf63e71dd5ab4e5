import {
  type Digest,
  type Effect,
  policyDigest,
  type RecordedPrompt,
  type RecordedResource,
  type ServerPolicy,
  type ServerSurface,
} from '@gatehouse/contracts'
import { createPolicy } from '../decide/policy.ts'
import type { ServerDefinition } from './definition.ts'
import { ownPolicy } from './own-policy.ts'
import { createToolTable } from './tool-table.ts'

/** What a server says of itself before anything runs: what reviewers sign and the registry's record is seeded from. */
export interface ServerDescription {
  readonly kind: 'surface'
  readonly surface: ServerSurface
  readonly tools: readonly {
    readonly name: string
    readonly title: string
    readonly digest: Digest
    readonly effect: Effect
    readonly groups: readonly string[]
    readonly minutesSaved: number
  }[]
  readonly prompts: readonly RecordedPrompt[]
  readonly resources: readonly RecordedResource[]
  readonly surfaceDigest: Digest
  /** What the record carries as `policy`. */
  readonly policy: ServerPolicy
  readonly policyDigest: Digest
}

/** @throws DefinitionError, PolicyError */
export function describeServer(definition: ServerDefinition): ServerDescription {
  const { toolsClass, instructions } = definition
  const table = createToolTable(toolsClass instanceof Array ? toolsClass : toolsClass.prototype, instructions)
  const policy = ownPolicy(definition, table)
  createPolicy(policy)
  const tools = [...table.tools.values()].map(({ digest, definition: { options, policy } }) => ({
    name: options.name,
    title: options.title,
    digest,
    effect: options.effect,
    groups: policy?.groups ?? [],
    minutesSaved: options.minutesSaved,
  }))
  const prompts = [...table.prompts.values()].map(({ digest, definition: { options, policy } }) => ({
    name: options.name,
    title: options.title,
    digest,
    groups: [...(policy?.groups ?? [])],
  }))
  const resources = [...table.resources.values()].map(({ digest, definition: { options, policy } }) => ({
    name: options.name,
    ...(options.uri !== undefined && { uri: options.uri }),
    ...(options.uriTemplate !== undefined && { uriTemplate: options.uriTemplate }),
    title: options.title,
    digest,
    groups: [...(policy?.groups ?? [])],
  }))
  return {
    kind: 'surface',
    surface: table.surface,
    tools,
    prompts,
    resources,
    surfaceDigest: table.digest,
    policy,
    policyDigest: policyDigest(policy),
  }
}
