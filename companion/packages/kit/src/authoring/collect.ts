import { declarationOf } from './decorators.ts'
import type { ToolDefinition } from './tool.ts'

/** An instance of a class with decorated methods, or tools in their function form. */
export type ToolSource = object | readonly ToolDefinition[]

/**
 * The tools of an instance, inherited ones included; an overriding method replaces the one it overrides, and must be decorated itself.
 * Given a class's prototype it returns the same tools, to be described but not run.
 */
export function collectTools(source: ToolSource): readonly ToolDefinition[] {
  if (Array.isArray(source)) return source as readonly ToolDefinition[]
  const tools: ToolDefinition[] = []
  for (const method of methodsOf(source)) {
    const declaration = declarationOf(method)
    if (!declaration?.options) continue
    tools.push({
      options: bindHooks(declaration.options, source),
      policy: declaration.policy,
      run: method.bind(source) as ToolDefinition['run'],
    })
  }
  return tools
}

type AnyMethod = (...args: unknown[]) => unknown

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
