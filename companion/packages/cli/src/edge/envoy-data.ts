import { join } from 'node:path'

/** Part of an Envoy configuration: what its JSON or YAML would hold. */
export type EnvoyData = Readonly<Record<string, unknown>>

/** Durations of protobuf's JSON form. @param seconds may have a fraction */
export function duration(seconds: number): string {
  return `${seconds}s`
}

/** An extension of Envoy with its configuration. @param type without the prefix that all types have */
export function extension(name: string, type: string, config: EnvoyData = {}): EnvoyData {
  return { name, typed_config: typed(type, config) }
}

/** A message of a named type (`google.protobuf.Any`). */
export function typed(type: string, config: EnvoyData = {}): EnvoyData {
  return { '@type': `type.googleapis.com/${type}`, ...config }
}

/** Resources from a file of a folder that is watched: a file that is renamed into place is read at once. */
export function fromFile(folder: string, name: string): EnvoyData {
  return {
    resource_api_version: 'V3',
    path_config_source: { path: join(folder, name), watched_directory: { path: folder } },
  }
}
