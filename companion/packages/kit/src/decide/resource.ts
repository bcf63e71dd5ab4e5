import type { ServerRecord } from '@gatehouse/contracts'

/**
 * What a decision is about: the server; a tool, prompt or resource that it offers, by name (a template of resources is one resource); or
 * something of the server's own (a table, a document, a DAG), with what its own policies ask of it.
 */
export type Resource =
  | { readonly kind: 'server' }
  | { readonly kind: 'tool' | 'prompt' | 'resource'; readonly name: string }
  | OwnResource

/** Of a kind that is none of the kit's. */
export interface OwnResource {
  readonly kind: string
  readonly name: string
  /** For an entity type of the server's own schema. */
  readonly attributes?: Readonly<Record<string, string>>
}

/** What the signed record says of it, or undefined for what is not in it. */
export function recordedOf(
  resource: Resource,
  record: ServerRecord,
): { readonly groups: readonly string[] } | undefined {
  if (!('name' in resource)) return undefined
  const named = ({ name }: { readonly name: string }) => name === resource.name
  switch (resource.kind) {
    case 'tool':
      return record.tools.find(named)
    case 'prompt':
      return record.prompts.find(named)
    case 'resource':
      return record.resources.find(named)
    default:
      return undefined
  }
}
