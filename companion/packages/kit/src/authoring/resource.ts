import type { z } from 'zod'
import type { Completions } from './completion.ts'
import type { ResourceContent } from './content.ts'
import type { ToolContext } from './context.ts'
import type { AccessPolicy } from './policy.ts'

interface CommonOptions {
  /** By which the record and the policy know it: `[A-Za-z0-9_.-]{1,64}` */
  readonly name: string
  readonly title: string
  readonly description: string
  /** Of the content, unless the content says otherwise. */
  readonly mimeType: string
}

/** One resource at one address. */
interface FixedOptions extends CommonOptions {
  readonly uri: string
  readonly uriTemplate?: never
  readonly variables?: never
  readonly complete?: never
}

/** Many resources under one template, with one policy for all; for access to each, ask `ctx.decide`. */
interface TemplateOptions<V extends z.ZodObject, T> extends CommonOptions {
  readonly uri?: never
  /** RFC 6570, level 1: `{name}` alone, which matches one segment. Values arrive percent-decoded, so that one may hold a slash. */
  readonly uriTemplate: string
  /** Of every variable; they are strings on the wire. */
  readonly variables: V
  readonly complete?: Completions<T>
}

export type ResourceOptions<V extends z.ZodObject, T = unknown> = FixedOptions | TemplateOptions<V, T>

/** A resource or a template as the kit serves it, bound to its instance. The types of the variables are erased. */
export interface ResourceDefinition {
  readonly kind: 'resource'
  readonly options: ResourceOptions<z.ZodObject>
  /** Absent: the server does not start (`resource_without_policy`). */
  readonly policy: AccessPolicy | undefined
  read(variables: Record<string, unknown>, ctx: ToolContext): Promise<ResourceContent>
}
