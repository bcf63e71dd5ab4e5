import type { z } from 'zod'
import type { ResourceContent } from './content.ts'
import type { ToolContext } from './context.ts'
import type { AccessPolicy } from './policy.ts'
import type { ResourceDefinition, ResourceOptions } from './resource.ts'

export type FunctionResource<V extends z.ZodObject> = ResourceOptions<V> & {
  readonly policy: AccessPolicy
  read(variables: z.output<V>, ctx: ToolContext): Promise<ResourceContent>
}

/** The function form of `@resource` and `@authorizeResource`. */
export function defineResource<V extends z.ZodObject>(resource: FunctionResource<V>): ResourceDefinition {
  const { policy, ...options } = resource
  return { kind: 'resource', options, policy, read: (variables, ctx) => resource.read(variables as z.output<V>, ctx) }
}
