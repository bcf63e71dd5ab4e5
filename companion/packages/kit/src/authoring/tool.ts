import type { Effect } from '@gatehouse/contracts'
import type { z } from 'zod'
import type { AttachedContent } from './content.ts'
import type { ToolContext } from './context.ts'
import type { AccessPolicy } from './policy.ts'

export type ToolPolicy = AccessPolicy

/** Hints to the client (MCP 2026-07-28, server/tools). Never the basis of a decision: `effect` is. */
export interface ToolAnnotations {
  readonly readOnlyHint: boolean
  readonly destructiveHint: boolean
  readonly idempotentHint: boolean
  readonly openWorldHint: boolean
}

/** What a tool returns when it worked: data for the program, and a short text for the model. */
export interface ToolResult<O extends z.ZodObject = z.ZodObject> {
  readonly structured: z.input<O>
  readonly text: string
  /** Images, sounds, embedded resources and links, after the text. Counted in the size of the result. */
  readonly content?: readonly AttachedContent[]
}

/**
 * The hooks below run with `this` set to the instance of the tools' class; annotate it (`effectOf(this: PrestoTools, args)`) to use it.
 * They run after the caller was allowed and the arguments were validated. One that throws refuses the call.
 */
export interface ToolOptions<I extends z.ZodObject, O extends z.ZodObject, T = unknown> {
  /** `[A-Za-z0-9_.-]{1,64}` */
  readonly name: string
  readonly title: string
  /** Written for a model: what it does, when to use it, what it returns. */
  readonly description: string
  /** Unknown keys are refused; nested objects must be `z.strictObject`. */
  readonly input: I
  readonly output: O
  readonly effect: Effect
  readonly annotations: ToolAnnotations
  /** The owner's estimate, minutes per call. */
  readonly minutesSaved: number
  /** Names of arguments whose value the audit never holds. */
  readonly redact?: readonly string[]
  /** One line for the person who approves. Default: the title. */
  summary?(this: T, args: z.output<I>): string
  /** What the call will touch, one line each, shown to the person who approves. */
  touches?(this: T, args: z.output<I>, ctx: ToolContext): Promise<readonly string[]>
  /** The effect of this very call, where it depends on the arguments. Never less than what really happens. */
  effectOf?(this: T, args: z.output<I>, ctx: ToolContext): Promise<Effect>
}

/** A tool as the kit runs it: options, policy and code, bound to its instance. The types of the arguments are erased. */
export interface ToolDefinition {
  readonly kind: 'tool'
  readonly options: ToolOptions<z.ZodObject, z.ZodObject>
  /** Absent: the server does not start (`tool_without_policy`). */
  readonly policy: ToolPolicy | undefined
  run(args: Record<string, unknown>, ctx: ToolContext): Promise<ToolResult>
}
