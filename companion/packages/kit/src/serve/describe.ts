import type { Digest, Effect, ServerSurface } from '@gatehouse/contracts'
import { createPolicy } from '../decide/policy.ts'
import type { ServerDefinition } from './definition.ts'
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
  readonly surfaceDigest: Digest
}

/** @throws DefinitionError, PolicyError */
export function describeServer({ toolsClass, instructions, cedar }: ServerDefinition): ServerDescription {
  const table = createToolTable(toolsClass instanceof Array ? toolsClass : toolsClass.prototype, instructions)
  createPolicy({ tools: table.policies, ...(cedar !== undefined && { cedar }) })
  const tools = [...table.tools.values()].map(({ digest, definition: { options, policy } }) => ({
    name: options.name,
    title: options.title,
    digest,
    effect: options.effect,
    groups: policy?.groups ?? [],
    minutesSaved: options.minutesSaved,
  }))
  return { kind: 'surface', surface: table.surface, tools, surfaceDigest: table.digest }
}
