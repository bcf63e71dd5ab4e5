import type { z } from 'zod'
import type { ToolContext } from './context.ts'
import type { ToolOptions, ToolPolicy, ToolResult } from './tool.ts'

type Method<This, I extends z.ZodObject, O extends z.ZodObject> = (
  this: This,
  args: z.output<I>,
  ctx: ToolContext,
) => Promise<ToolResult<O>>

/** What the decorators of one method said. Kept by the method itself, so that a class needs no instance to be described. */
interface Declaration {
  options?: ToolOptions<z.ZodObject, z.ZodObject>
  policy?: ToolPolicy
}

const declarations = new WeakMap<object, Declaration>()

/**
 * Makes a method a tool. A standard decorator (TypeScript 5): `experimentalDecorators` stays off.
 * ```ts
 * class Tools {
 *   @tool({ name: 'greet', input: z.strictObject({ who: z.string() }), output: z.strictObject({ greeting: z.string() }), … })
 *   @authorizeTool({ groups: ['ads'] })
 *   async greet({ who }: { who: string }, ctx: ToolContext) {
 *     return { structured: { greeting: `Hello, ${who}` }, text: `Hello, ${who}` }
 *   }
 * }
 * ```
 */
export function tool<I extends z.ZodObject, O extends z.ZodObject, T = unknown>(options: ToolOptions<I, O, T>) {
  return <This extends T>(
    method: Method<This, I, O>,
    context: ClassMethodDecoratorContext<This, Method<This, I, O>>,
  ): void => {
    refuseStatic(context, 'tool')
    declare(method).options = options
  }
}

/** Who may call the tool, beyond the server's record: `@authorizeTool({})` means whoever the record admits. Every tool has one. */
export function authorizeTool(policy: ToolPolicy) {
  return <This, Args extends unknown[], Result>(
    method: (this: This, ...args: Args) => Result,
    context: ClassMethodDecoratorContext<This, (this: This, ...args: Args) => Result>,
  ): void => {
    refuseStatic(context, 'authorizeTool')
    declare(method).policy = policy
  }
}

export function declarationOf(method: object): Readonly<Declaration> | undefined {
  return declarations.get(method)
}

function declare(method: object): Declaration {
  const declaration = declarations.get(method) ?? {}
  declarations.set(method, declaration)
  return declaration
}

function refuseStatic(context: { readonly static: boolean; readonly private: boolean }, decorator: string): void {
  if (context.static || context.private) throw new TypeError(`@${decorator} is for public methods of an instance`)
}
