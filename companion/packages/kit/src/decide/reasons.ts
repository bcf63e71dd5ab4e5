import type { AccessPolicy, Decision, ServerRecord } from '@gatehouse/contracts'
import { type Resource, recordedOf } from './resource.ts'

export interface Refused {
  readonly record: ServerRecord
  readonly resource: Resource
  readonly policy: AccessPolicy | undefined
  /** Of the rule itself (`@reason`). */
  readonly given?: string | undefined
  /** The one whose condition is not met. */
  readonly argument?: string | undefined
}

const KINDS = ['tool', 'prompt', 'resource'] as const
const SCOPE_RULES = KINDS.map((kind) => `${kind}-policy-scopes`)
const UNREVIEWED = KINDS.map((kind) => `${kind}-recorded`)

/** Also of a call whose arguments make more than a read of it. */
export const WORKLOAD_WRITE: Decision = {
  allowed: false,
  reason: 'a workload may not change anything',
  rule: 'workload-write',
}

/** Which rule to name when several of the kit's forbid. */
const PRECEDENCE: readonly string[] = [
  'server-listed',
  'server-workload',
  'server-groups',
  'server-surface',
  'server-channel',
  ...['recorded', 'groups', 'policy-groups', 'policy-roles', 'policy-surface', 'policy-channel'].flatMap((demand) =>
    KINDS.map((kind) => `${kind}-${demand}`),
  ),
  'tool-workload',
  'tool-arguments',
  'workload-write',
]

/** The rule to name when several forbid: the kit's own first, and scopes only where they are all that lacks. */
export function ruleToName(rules: readonly string[]): string {
  const known = PRECEDENCE.find((id) => rules.includes(id))
  return known ?? rules.filter((id) => !isScopeRule(id)).sort()[0] ?? rules[0] ?? 'default'
}

/** Whether nothing but a scope of the token lacks, which the client can ask for. */
export function isScopeRule(rule: string): boolean {
  return SCOPE_RULES.includes(rule)
}

/** Whether one who was denied by this rule may know that there is such a thing. What reviewers never saw is there for nobody. */
export function mayKnow(rule: string, record: ServerRecord): boolean {
  return record.discoverable && !UNREVIEWED.includes(rule)
}

/**
 * The reason for a no, for a person: what is needed and whom to ask. Of a server that is not discoverable it says nothing to those outside.
 */
export function reasonFor(rule: string, refused: Refused): string {
  const { record } = refused
  if (!rule.startsWith('server-')) return `${need(rule, refused)}${ending(rule, record)}`
  return record.discoverable ? `${serverNeed(rule, record)}; ask ${record.support.channel}` : 'not available'
}

/** What is refused whoever asks for it, nobody can be asked for. */
function ending(rule: string, record: ServerRecord): string {
  return UNREVIEWED.includes(rule) || rule === WORKLOAD_WRITE.rule ? '' : `; ask ${record.support.channel}`
}

function serverNeed(rule: string, record: ServerRecord): string {
  switch (rule) {
    case 'server-workload':
      return 'the server is not open to this workload'
    case 'server-groups':
      return needs('group', record.groups)
    case 'server-surface':
      return from(record.surfaces)
    case 'server-channel':
      return inChannels(record.channels)
    default:
      return `the server is ${record.status}`
  }
}

function need(rule: string, { record, resource, policy, given, argument }: Refused): string {
  const { kind } = resource
  if (rule === 'tool-workload') return 'the tool is not open to this workload'
  if (rule === WORKLOAD_WRITE.rule) return WORKLOAD_WRITE.reason
  if (rule === 'tool-arguments') return argumentNeed(argument ?? '', policy)
  switch (rule) {
    case `${kind}-recorded`:
      return `the ${kind} is not part of the reviewed server`
    case `${kind}-groups`:
      return needs('group', recordedOf(resource, record)?.groups ?? [])
    case `${kind}-policy-groups`:
      return needs('group', policy?.groups ?? [])
    case `${kind}-policy-roles`:
      return needs('role', policy?.roles ?? [])
    case `${kind}-policy-surface`:
      return from(policy?.surfaces ?? [])
    case `${kind}-policy-channel`:
      return inChannels(policy?.channels ?? [])
    case `${kind}-policy-scopes`:
      return `needs a token with the scopes ${names(policy?.scopes ?? [])}`
    default:
      return given ?? `${kind} ${'name' in resource ? resource.name : ''} is not available to you`
  }
}

function argumentNeed(argument: string, policy: AccessPolicy | undefined): string {
  const patterns = policy?.arguments?.[argument]?.like ?? []
  if (patterns.length === 0) return `the argument ${argument} may not be given`
  return `the argument ${argument} must be ${patterns.length === 1 ? '' : 'one of '}${names(patterns)}`
}

function needs(what: 'group' | 'role', those: readonly string[]): string {
  if (those.length === 0) return `open to no ${what}`
  return those.length === 1 ? `needs the ${what} ${those[0]}` : `needs one of the ${what}s ${names(those)}`
}

function from(surfaces: readonly string[]): string {
  return surfaces.length === 0 ? 'works from nowhere' : `works only from ${names(surfaces)}`
}

function inChannels(channels: readonly string[]): string {
  return channels.length === 0 ? 'works in no channel' : `works only in the channels ${names(channels)}`
}

/** More than a person reads is counted. */
const NAMED = 20

function names(all: readonly string[]): string {
  const named = all.slice(0, NAMED).join(', ')
  return all.length > NAMED ? `${named} and ${all.length - NAMED} more` : named
}
