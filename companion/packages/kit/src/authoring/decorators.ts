import type { z } from 'zod'
import type { ResourceContent } from './content.ts'
import type { ToolContext } from './context.ts'
import type { AccessPolicy } from './policy.ts'
import type { PromptOptions, PromptResult } from './prompt.ts'
import type { ResourceOptions } from './resource.ts'
import type { ToolOptions, ToolPolicy, ToolResult } from './tool.ts'

type Method<This, I extends z.ZodObject, R> = (this: This, args: z.output<I>, ctx: ToolContext) => Promise<R>

/** What the decorators of one method said. Kept by the method itself, so that a class needs no instance to be described. */
interface Declaration {
  offer?:
    | { readonly kind: 'tool'; readonly options: ToolOptions<z.ZodObject, z.ZodObject> }
    | { readonly kind: 'prompt'; readonly options: PromptOptions<z.ZodObject> }
    | { readonly kind: 'resource'; readonly options: ResourceOptions<z.ZodObject> }
  policy?: AccessPolicy
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
  return offered<T, I, ToolResult<O>>('tool', { kind: 'tool', options })
}

/** Makes a method a prompt: `@prompt({ name: 'review', title: …, description: …, input: z.strictObject({ table: z.string() }) })`. */
export function prompt<I extends z.ZodObject, T = unknown>(options: PromptOptions<I, T>) {
  return offered<T, I, PromptResult>('prompt', { kind: 'prompt', options: options as PromptOptions<z.ZodObject> })
}

/**
 * Makes a method a resource, or a template of resources: `@resource({ name: 'glossary', uri: 'presto://glossary', mimeType: 'text/markdown', … })`,
 * `@resource({ name: 'table', uriTemplate: 'presto://tables/{name}', variables: z.strictObject({ name: z.string() }), … })`.
 */
export function resource<V extends z.ZodObject, T = unknown>(options: ResourceOptions<V, T>) {
  return offered<T, V, ResourceContent>('resource', {
    kind: 'resource',
    options: options as ResourceOptions<z.ZodObject>,
  })
}

/** Who may call the tool, beyond the server's record: `@authorizeTool({})` means whoever the record admits. Every tool has one. */
export function authorizeTool(policy: ToolPolicy) {
  return authorize('authorizeTool', policy)
}

/** The same of a prompt. Every prompt has one. */
export function authorizePrompt(policy: AccessPolicy) {
  return authorize('authorizePrompt', policy)
}

/** The same of a resource or a template. Every one has one. */
export function authorizeResource(policy: AccessPolicy) {
  return authorize('authorizeResource', policy)
}

export function declarationOf(method: object): Readonly<Declaration> | undefined {
  return declarations.get(method)
}

function offered<T, I extends z.ZodObject, R>(decorator: string, offer: NonNullable<Declaration['offer']>) {
  return <This extends T>(
    method: Method<This, I, R>,
    context: ClassMethodDecoratorContext<This, Method<This, I, R>>,
  ): void => {
    refuseStatic(context, decorator)
    const declaration = declare(method)
    if (declaration.offer)
      throw new TypeError(`@${decorator} stands on a method that is already a ${declaration.offer.kind}`)
    declaration.offer = offer
  }
}

function authorize(decorator: string, policy: AccessPolicy) {
  return <This, Args extends unknown[], Result>(
    method: (this: This, ...args: Args) => Result,
    context: ClassMethodDecoratorContext<This, (this: This, ...args: Args) => Result>,
  ): void => {
    refuseStatic(context, decorator)
    declare(method).policy = policy
  }
}

function declare(method: object): Declaration {
  const declaration = declarations.get(method) ?? {}
  declarations.set(method, declaration)
  return declaration
}

function refuseStatic(context: { readonly static: boolean; readonly private: boolean }, decorator: string): void {
  if (context.static || context.private) throw new TypeError(`@${decorator} is for public methods of an instance`)
}
