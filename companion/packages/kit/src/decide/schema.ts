import { type SchemaJson, schemaToJson } from '@cedar-policy/cedar-wasm/nodejs'
import { SCHEMA } from './base.cedar.ts'
import { accept, PolicyError } from './policy-error.ts'

interface Merged {
  readonly schema: SchemaJson<string>
  /** Entity types that the fragment adds; each is a type of resource. */
  readonly ownTypes: ReadonlySet<string>
}

/**
 * The kit's schema with what a server's own fragment adds to it: entity types for its own resources, and common types that these are made of.
 * @throws PolicyError for a fragment that does not parse, declares what the kit has, or adds an action or a namespace
 */
export function mergedSchema(own: string): Merged {
  const kit = partsOf(SCHEMA)
  const merged = partsOf(`${SCHEMA}\n${own}`)
  const added = (of: 'entityTypes' | 'commonTypes') => Object.keys(merged[of]).filter((name) => !(name in kit[of]))
  const ownTypes = added('entityTypes')
  const shadow = added('commonTypes').find((name) => name in merged.entityTypes)
  if (shadow !== undefined) throw new PolicyError('policy_invalid', `the type ${shadow} is declared twice`)
  if (Object.keys(merged.actions).length > Object.keys(kit.actions).length)
    throw new PolicyError('policy_invalid', 'a server’s own schema may not add an action')
  for (const { appliesTo } of Object.values(merged.actions)) appliesTo?.resourceTypes.push(...ownTypes)
  return { schema: { '': merged }, ownTypes: new Set(ownTypes) }
}

type Parts = Required<Pick<SchemaJson<string>[string], 'entityTypes' | 'commonTypes' | 'actions'>>

function partsOf(text: string): Parts {
  const { '': parts, ...namespaces } = accept(schemaToJson(text)).json
  if (!parts || Object.keys(namespaces).length > 0)
    throw new PolicyError('policy_invalid', 'a server’s own schema may not have a namespace')
  return { commonTypes: {}, ...parts }
}
