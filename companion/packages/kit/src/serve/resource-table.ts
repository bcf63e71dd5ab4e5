import { type Digest, ResourceSurface, resourceDigest } from '@gatehouse/contracts'
import { z } from 'zod'
import { DefinitionError } from '../authoring/definition-error.ts'
import type { ResourceDefinition } from '../authoring/resource.ts'
import { parseUriTemplate } from './uri-template.ts'

/** A resource or a template of resources, with all that can be made once, at start. */
export interface ServedResource {
  readonly definition: ResourceDefinition
  readonly surface: ResourceSurface
  readonly digest: Digest
  /** Of a template's variables. */
  readonly variables: z.ZodObject
  /** The variables of an address that is of this resource or template; undefined for another address. */
  match(uri: string): Record<string, string> | undefined
}

const NAME = /^[A-Za-z0-9_.-]{1,64}$/
/** A scheme and something after it (RFC 3986). */
const ADDRESS = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s]+$/

/** @throws DefinitionError */
export function servedResource(definition: ResourceDefinition): ServedResource {
  const { name, title, description, mimeType, uri, uriTemplate, variables, complete } = definition.options
  const address = uri ?? uriTemplate
  const surface = ResourceSurface.safeParse({
    name,
    title,
    description,
    mimeType,
    ...(uri !== undefined && { uri }),
    ...(uriTemplate !== undefined && { uriTemplate }),
  })
  if (!surface.success || !NAME.test(name) || !ADDRESS.test(address ?? ''))
    throw invalid(name, surface.error ? z.prettifyError(surface.error) : 'its name or its address')
  const template = uriTemplate === undefined ? undefined : parseUriTemplate(uriTemplate)
  const declared = Object.keys(variables?.shape ?? {}).sort()
  if (declared.join() !== [...(template?.variables ?? [])].sort().join())
    throw invalid(name, 'the variables are not those of its template')
  const unknown = Object.keys(complete ?? {}).find((variable) => !declared.includes(variable))
  if (unknown !== undefined) throw invalid(name, `it completes ${unknown}, which is no variable of it`)
  return {
    definition,
    surface: surface.data,
    digest: resourceDigest(surface.data),
    variables: (variables ?? z.object({})).strict(),
    match: template ? (asked) => template.match(asked) : (asked) => (asked === uri ? {} : undefined),
  }
}

function invalid(name: string, why: string): DefinitionError {
  return new DefinitionError('resource_invalid', `the resource ${name} is not valid: ${why}`)
}
