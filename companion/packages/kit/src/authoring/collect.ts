import type { Completions } from './completion.ts'
import { declarationOf } from './decorators.ts'
import type { PromptDefinition } from './prompt.ts'
import type { ResourceDefinition } from './resource.ts'
import type { ToolDefinition } from './tool.ts'

/** What a server offers: a tool, a prompt, or a resource or template. */
export type Offer = ToolDefinition | PromptDefinition | ResourceDefinition

/** An instance of a class with decorated methods, or offers in their function form. */
export type ToolSource = object | readonly Offer[]

/**
 * The offers of an instance, inherited ones included; an overriding method replaces the one it overrides, and must be decorated itself.
 * Given a class's prototype it returns the same ones, to be described but not run.
 */
export function collectOffers(source: ToolSource): readonly Offer[] {
  if (Array.isArray(source)) return source as readonly Offer[]
  return methodsOf(source).flatMap((method) => offerOf(method, source) ?? [])
}

/** The tools among them. */
export function collectTools(source: ToolSource): readonly ToolDefinition[] {
  return collectOffers(source).filter((offer) => offer.kind === 'tool')
}

type AnyMethod = (...args: unknown[]) => unknown

function offerOf(method: AnyMethod, instance: object): Offer | undefined {
  const declaration = declarationOf(method)
  if (!declaration?.offer) return undefined
  const { offer, policy } = declaration
  const run = method.bind(instance)
  switch (offer.kind) {
    case 'tool':
      return { kind: 'tool', options: bindHooks(offer.options, instance), policy, run: run as ToolDefinition['run'] }
    case 'prompt':
      return {
        kind: 'prompt',
        options: bindComplete(offer.options, instance),
        policy,
        run: run as PromptDefinition['run'],
      }
    case 'resource':
      return {
        kind: 'resource',
        options: bindComplete(offer.options, instance),
        policy,
        read: run as ResourceDefinition['read'],
      }
  }
}

function methodsOf(source: object): readonly AnyMethod[] {
  const methods = new Map<PropertyKey, AnyMethod>()
  for (
    let level: object | null = source;
    level && level !== Object.prototype;
    level = Object.getPrototypeOf(level) as object | null
  ) {
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (name === 'constructor' || methods.has(name)) continue
      if (typeof property.value === 'function') methods.set(name, property.value as AnyMethod)
    }
  }
  return [...methods.values()]
}

function bindHooks(options: ToolDefinition['options'], instance: object): ToolDefinition['options'] {
  return {
    ...options,
    ...(options.summary && { summary: options.summary.bind(instance) }),
    ...(options.touches && { touches: options.touches.bind(instance) }),
    ...(options.effectOf && { effectOf: options.effectOf.bind(instance) }),
  }
}

function bindComplete<O extends { readonly complete?: Completions }>(options: O, instance: object): O {
  if (!options.complete) return options
  const bound = Object.entries(options.complete).map(([name, complete]) => [name, complete.bind(instance)])
  return { ...options, complete: Object.fromEntries(bound) as Completions }
}
