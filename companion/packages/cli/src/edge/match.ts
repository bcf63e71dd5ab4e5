import type { EnvoyData } from './envoy-data.ts'

/** Principals of Envoy's RBAC: conditions on one request. */

const anyone: EnvoyData = { any: true }

export function all(...ids: readonly EnvoyData[]): EnvoyData {
  return { and_ids: { ids } }
}

/** Of no condition, none holds. */
export function some(ids: readonly EnvoyData[]): EnvoyData {
  return ids.length === 0 ? not(anyone) : { or_ids: { ids } }
}

export function not(id: EnvoyData): EnvoyData {
  return { not_id: id }
}

/** @param match a `StringMatcher` */
export function header(name: string, match: EnvoyData): EnvoyData {
  return { header: { name, string_match: match } }
}

export function hasHeader(name: string): EnvoyData {
  return { header: { name, present_match: true } }
}

/** RE2, of the whole text. */
export function regex(text: string): EnvoyData {
  return { safe_regex: { regex: text } }
}
