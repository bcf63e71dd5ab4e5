import type { Caller, ServerRecord } from '@gatehouse/contracts'
import { recordedOf } from './resource.ts'
import type { Asked } from './request.ts'

/**
 * All that the kit's own policies look at, one fact for each test in them (base.cedar.ts): two questions that agree in every fact have one
 * verdict, whoever asks and whatever the tool is called. For questions that a server's own text says nothing of.
 */
export function factsOf(asked: Asked): string {
  const { caller, action, resource, record } = asked
  const facts = [record.status === 'listed', ...callerFacts(caller, record), ...offerFacts(asked)]
  return `${caller.kind} ${action} ${resource.kind} ${facts.map(Number).join('')}`
}

function callerFacts(caller: Caller, { groups, surfaces, channels, workloads }: ServerRecord): boolean[] {
  if (caller.kind === 'workload') return [workloads.some(({ spiffeId }) => spiffeId === caller.spiffeId)]
  const { surface, channel } = caller
  return [
    shares(caller.groups, groups),
    surfaces.includes(surface),
    surface === 'team-chat',
    channel !== undefined,
    channels.length > 0,
    channel !== undefined && channels.includes(channel),
  ]
}

function offerFacts(asked: Asked): boolean[] {
  const { caller, resource, record, policy, policiesKnown, argumentsAllowed } = asked
  if (!('name' in resource)) return []
  const recorded = recordedOf(resource, record)
  const effect = resource.kind === 'tool' && record.tools.find(({ name }) => name === resource.name)?.effect
  const offered = [
    recorded !== undefined && (policy !== undefined || !policiesKnown),
    effect === 'read',
    argumentsAllowed,
  ]
  if (caller.kind === 'workload') {
    const { spiffeId } = caller
    const admitted = policy?.workloads ?? []
    return [
      ...offered,
      record.workloads.some((workload) => workload.spiffeId === spiffeId && workload.tools.includes(resource.name)),
      admitted === 'recorded' || admitted.includes(spiffeId),
    ]
  }
  const { channel, groups, roles = [], scopes = [], surface } = caller
  return [
    ...offered,
    recorded?.groups.length === 0 || shares(groups, recorded?.groups),
    policy?.groups === undefined || shares(groups, policy.groups),
    policy?.roles === undefined || shares(roles, policy.roles),
    policy?.scopes?.every((scope) => scopes.includes(scope)) ?? true,
    policy?.surfaces?.includes(surface) ?? true,
    policy?.channels === undefined,
    channel !== undefined && policy?.channels?.includes(channel) === true,
  ]
}

function shares(mine: readonly string[], theirs: readonly string[] = []): boolean {
  // Both may be a thousand long.
  const known = theirs.length > 10 ? new Set(mine) : { has: (item: string) => mine.includes(item) }
  return theirs.some((item) => known.has(item))
}
