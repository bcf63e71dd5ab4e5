import type { ServerRecord } from '@gatehouse/contracts'
import type { AccessPolicy } from '../authoring/policy.ts'
import { type Resource, recordedOf } from './resource.ts'

export interface Refused {
  readonly record: ServerRecord
  readonly resource: Resource
  readonly policy: AccessPolicy | undefined
  /** Of the rule itself (`@reason`). */
  readonly given: string | undefined
}

/** Which rule to name when several forbid: the one that a person can do most about comes last. */
export const PRECEDENCE: readonly string[] = [
  'server-listed',
  'server-groups',
  'server-surface',
  'server-channel',
  ...['recorded', 'groups', 'policy-groups', 'policy-surface'].flatMap((demand) =>
    ['tool', 'prompt', 'resource'].map((kind) => `${kind}-${demand}`),
  ),
  'workload-write',
]

/**
 * The reason for a no, for a person: what is needed and whom to ask. Of a server that is not discoverable it says nothing to those outside.
 */
export function reasonFor(rule: string, refused: Refused): string {
  const { record, resource, policy, given } = refused
  const ask = `ask ${record.support.channel}`
  switch (rule) {
    case 'server-listed':
      return `the server is ${record.status}; ${ask}`
    case 'server-groups':
      return record.discoverable ? `${needs(record.groups)}; ${ask}` : 'not available'
    case 'server-surface':
      return record.discoverable ? `works only from ${record.surfaces.join(', ')}; ${ask}` : 'not available'
    case 'server-channel':
      return record.discoverable ? `works only in the channels ${record.channels.join(', ')}; ${ask}` : 'not available'
    case 'tool-recorded':
    case 'prompt-recorded':
    case 'resource-recorded':
      return `the ${resource.kind} is not part of the reviewed server`
    case 'tool-groups':
    case 'prompt-groups':
    case 'resource-groups':
      return `${needs(recordedOf(resource, record)?.groups ?? [])}; ${ask}`
    case 'tool-policy-groups':
    case 'prompt-policy-groups':
    case 'resource-policy-groups':
      return `${needs(policy?.groups ?? [])}; ${ask}`
    case 'tool-policy-surface':
    case 'prompt-policy-surface':
    case 'resource-policy-surface':
      return `works only from ${(policy?.surfaces ?? []).join(', ')}; ${ask}`
    case 'workload-write':
      return 'a workload may not change anything'
    default:
      return `${given ?? `${resource.kind} ${nameOf(resource)} is not available to you`}; ${ask}`
  }
}

function needs(groups: readonly string[]): string {
  const [only] = groups
  if (only === undefined) return 'open to no group'
  return groups.length === 1 ? `needs the group ${only}` : `needs one of the groups ${groups.join(', ')}`
}

function nameOf(resource: Resource): string {
  return 'name' in resource ? resource.name : ''
}
