import {
  type Digest,
  PromptSurface,
  promptDigest,
  ResourceSurface,
  resourceDigest,
  type ServerRecord,
} from '@gatehouse/contracts'
import { ConnectionError } from './errors.ts'
import { toolFault } from './tool-fault.ts'
import type { OfferedPrompt, OfferedResource } from './types.ts'

const MAX_LISTED = 1000

/** What a server lists beside its tools; each is empty where the record names none, for then the server is not asked. */
export interface ListedReadables {
  readonly prompts: readonly unknown[]
  /** Resources and resource templates. */
  readonly resources: readonly unknown[]
}

export interface CheckedReadables {
  /** By name. */
  readonly prompts: ReadonlyMap<string, OfferedPrompt>
  /** By `uri` or `uriTemplate`. */
  readonly resources: ReadonlyMap<string, OfferedResource>
}

/**
 * Checks listed prompts and resources against the signed record by the rule for tools: one that differs, that the record does not name or
 * that is listed twice closes the server; a recorded one that is not listed, or describes itself as no reviewer can have read, is only absent.
 * @throws ConnectionError `surface_mismatch`, `surface_too_large`
 */
export function checkReadables(record: ServerRecord, listed: ListedReadables): CheckedReadables {
  const prompts = checked(record, listed.prompts, 'prompts', (item) => {
    const prompt = PromptSurface.parse(item)
    const digest = promptDigest(prompt)
    return { key: prompt.name, digest, fault: toolFault(prompt), offered: { server: record, prompt } }
  })
  const resources = checked(record, listed.resources, 'resources', (item) => {
    const resource = ResourceSurface.parse(item)
    const digest = resourceDigest(resource)
    return { key: placeOf(resource), digest, fault: toolFault(resource), offered: { server: record, resource } }
  })
  return { prompts, resources }
}

/** What tells one resource from another: where it is. */
export function placeOf(resource: {
  readonly uri?: string | undefined
  readonly uriTemplate?: string | undefined
}): string {
  return resource.uri ?? resource.uriTemplate ?? ''
}

interface Read<T> {
  readonly key: string
  readonly digest: Digest
  readonly fault: string | undefined
  readonly offered: T
}

function checked<T>(
  record: ServerRecord,
  listed: readonly unknown[],
  kind: 'prompts' | 'resources',
  read: (item: unknown) => Read<T>,
): ReadonlyMap<string, T> {
  if (listed.length > MAX_LISTED) {
    throw new ConnectionError('surface_too_large', `${record.title} lists more than ${MAX_LISTED} ${kind}.`)
  }
  const digests =
    kind === 'prompts'
      ? new Map(record.prompts.map(({ name, digest }) => [name, digest]))
      : new Map(record.resources.map((resource) => [placeOf(resource), resource.digest]))
  const offered = new Map<string, T>()
  const seen = new Set<string>()
  for (const item of listed) {
    const found = attempt(() => read(item))
    if (!found || seen.has(found.key) || digests.get(found.key) !== found.digest) throw mismatch(record, kind)
    seen.add(found.key)
    if (found.fault === undefined) offered.set(found.key, found.offered)
  }
  return offered
}

/** What cannot be read, or has no digest, is not what was reviewed. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function mismatch(record: ServerRecord, kind: string): ConnectionError {
  return new ConnectionError(
    'surface_mismatch',
    `The ${kind} of ${record.title} differ from those that were reviewed, so it is not used. Its owner is ${record.owner.team} (${record.owner.contact}).`,
  )
}
