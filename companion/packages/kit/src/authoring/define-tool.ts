import type { z } from 'zod'
import type { ToolContext } from './context.ts'
import type { ToolDefinition, ToolOptions, ToolPolicy, ToolResult } from './tool.ts'

export interface FunctionTool<I extends z.ZodObject, O extends z.ZodObject> extends ToolOptions<I, O> {
  readonly policy: ToolPolicy
  run(args: z.output<I>, ctx: ToolContext): Promise<ToolResult<O>>
}

/** The function form of `@tool` and `@authorizeTool`, for tools that share no state. */
export function defineTool<I extends z.ZodObject, O extends z.ZodObject>(tool: FunctionTool<I, O>): ToolDefinition {
  const { policy, ...options } = tool
  return { kind: 'tool', options, policy, run: (args, ctx) => tool.run(args as z.output<I>, ctx) }
}
