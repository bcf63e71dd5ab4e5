import { DefinitionError } from '../authoring/definition-error.ts'

const VARIABLE = /\{([A-Za-z_][A-Za-z0-9_]{0,63})\}/

export interface UriTemplate {
  readonly variables: readonly string[]
  /** The variables of an address that fits, percent-decoded; undefined for one that does not. */
  match(uri: string): Record<string, string> | undefined
}

const LONGEST_URI = 2_000

/**
 * RFC 6570, level 1 alone: literal text and `{name}`, which matches one or more characters but `/`, `?` and `#`. What is matched in one way
 * only can be decided on, and takes time that grows with the address and no faster.
 * @throws DefinitionError `resource_invalid`
 */
export function parseUriTemplate(template: string): UriTemplate {
  const parts = template.split(VARIABLE)
  const literals = parts.filter((_part, index) => index % 2 === 0)
  const variables = parts.filter((_part, index) => index % 2 === 1)
  if (variables.length === 0 || literals.some((literal) => /[{}]/.test(literal)))
    throw new DefinitionError('resource_invalid', `${template} is no template of level 1 (RFC 6570) with a variable`)
  if (new Set(variables).size !== variables.length || literals.slice(1, -1).some((literal) => !/[/?#]/.test(literal)))
    throw new DefinitionError(
      'resource_invalid',
      `the variables of ${template} must differ, and stand in segments of their own`,
    )
  const pattern = new RegExp(`^${literals.map(escaped).join('([^/?#]+)')}$`)
  return {
    variables,
    match(uri) {
      const found = uri.length <= LONGEST_URI ? pattern.exec(uri) : null
      if (!found) return undefined
      try {
        return Object.fromEntries(variables.map((name, index) => [name, decodeURIComponent(found[index + 1] ?? '')]))
      } catch {
        return undefined
      }
    },
  }
}

function escaped(literal: string): string {
  return literal.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
