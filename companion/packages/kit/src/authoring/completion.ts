import type { ToolContext } from './context.ts'

/** What one may go on with after `value`, best first. `others` are the arguments that are already there, as the client sent them. */
export type Completion<T = unknown> = (
  this: T,
  value: string,
  others: Readonly<Record<string, string>>,
  ctx: ToolContext,
) => Promise<readonly string[]>

/** By the name of an argument of a prompt, or of a variable of a template. Only for callers who may read the thing itself. */
export type Completions<T = unknown> = Readonly<Record<string, Completion<T>>>
