import type { CedarValueJson, EntityJson } from '@cedar-policy/cedar-wasm/nodejs'
import { type AccessPolicy, type Action, type Caller, type ServerRecord, SurfaceName } from '@gatehouse/contracts'
import { type CallArguments, textsOf } from './arguments.ts'
import type { CedarRequest } from './cedar.ts'
import { type Resource, recordedOf } from './resource.ts'

export interface Asked {
  readonly caller: Caller
  /** Id of the caller's entity. */
  readonly name: string
  readonly action: Action
  readonly resource: Resource
  readonly record: ServerRecord
  /** The author's policy of what is asked about. */
  readonly policy: AccessPolicy | undefined
  /** Whether there are policies of this kind at all. With them, what has none is as good as unreviewed. */
  readonly policiesKnown: boolean
  readonly ownTypes: ReadonlySet<string>
  /** Whether the arguments meet the policy's conditions. */
  readonly argumentsAllowed: boolean
  /** Absent where the server's own text does not look at them, and before they are known. */
  readonly arguments: CallArguments | undefined
}

/** A question as Cedar takes it, with all entities that its answer depends on. */
export function requestOf(asked: Asked): CedarRequest {
  const { caller, action, record } = asked
  const principal = { type: caller.kind === 'user' ? 'User' : 'Workload', id: asked.name }
  const target = targetOf(asked)
  const { arguments: args } = asked
  return {
    principal,
    action: { type: 'Action', id: action },
    resource: target.uid,
    context: {
      status: record.status,
      groups: entities('Group', record.groups),
      surfaces: record.surfaces,
      channels: record.channels,
      workloads:
        caller.kind === 'workload'
          ? entities(
              'Workload',
              record.workloads.map(({ spiffeId }) => spiffeId),
            )
          : [],
      argumentsAllowed: asked.argumentsAllowed,
      ...(args && { arguments: { __entity: ARGUMENTS } }),
    },
    entities: [
      caller.kind === 'user'
        ? {
            uid: principal,
            attrs: {
              client: caller.client,
              surface: caller.surface,
              ...(caller.channel !== undefined && { channel: caller.channel }),
              roles: caller.roles ?? [],
              scopes: caller.scopes ?? [],
            },
            parents: caller.groups.map((id) => ({ type: 'Group', id })),
          }
        : { uid: principal, attrs: {}, parents: [] },
      target,
      ...(args ? [{ uid: ARGUMENTS, attrs: {}, parents: [], tags: Object.fromEntries(textsOf(args)) }] : []),
    ],
  }
}

const ARGUMENTS = { type: 'Arguments', id: 'call' }

interface Target extends EntityJson {
  readonly uid: { type: string; id: string }
}

/** The entity type of what is asked about. */
export function typeOf(resource: Resource, ownTypes: ReadonlySet<string>): string {
  switch ('name' in resource ? resource.kind : undefined) {
    case undefined:
      return 'Server'
    case 'tool':
      return 'Tool'
    case 'prompt':
      return 'Prompt'
    case 'resource':
      return 'McpResource'
    default: {
      const own = typeNameOf(resource.kind)
      return ownTypes.has(own) ? own : 'Resource'
    }
  }
}

/** A tool is keyed `server/tool`, another thing `server/kind/name`. */
function targetOf({ resource, record, policy, policiesKnown, ownTypes, caller }: Asked): Target {
  const type = typeOf(resource, ownTypes)
  if (!('name' in resource)) return { uid: { type, id: record.id }, attrs: {}, parents: [] }
  const { kind, name } = resource
  if (kind !== 'tool' && kind !== 'prompt' && kind !== 'resource') {
    const given = 'attributes' in resource ? resource.attributes : undefined
    return { uid: { type, id: `${record.id}/${kind}/${name}` }, attrs: { ...given, kind, name }, parents: [] }
  }
  const recorded = recordedOf(resource, record)
  const attrs: Record<string, CedarValueJson> = {
    name,
    recorded: recorded !== undefined && (policy !== undefined || !policiesKnown),
    everyone: recorded?.groups.length === 0,
    groups: entities('Group', recorded?.groups ?? []),
    policyEveryone: policy?.groups === undefined,
    policyGroups: entities('Group', policy?.groups ?? []),
    policyAnyRole: policy?.roles === undefined,
    policyRoles: [...(policy?.roles ?? [])],
    policyScopes: [...(policy?.scopes ?? [])],
    policySurfaces: [...(policy?.surfaces ?? SurfaceName.options)],
    policyAnyChannel: policy?.channels === undefined,
    policyChannels: [...(policy?.channels ?? [])],
  }
  if (kind !== 'tool') return { uid: { type, id: `${record.id}/${kind}/${name}` }, attrs, parents: [] }
  const effect = record.tools.find((tool) => tool.name === name)?.effect ?? 'write'
  const workloads = caller.kind === 'workload' ? workloadsOf(name, record, policy) : NO_WORKLOADS
  return { uid: { type, id: `${record.id}/${name}` }, attrs: { ...attrs, effect, ...workloads }, parents: [] }
}

const NO_WORKLOADS = { workloads: [], policyAnyWorkload: false, policyWorkloads: [] }

function workloadsOf(tool: string, { workloads }: ServerRecord, policy: AccessPolicy | undefined) {
  const named = workloads.filter(({ tools }) => tools.includes(tool)).map(({ spiffeId }) => spiffeId)
  const admitted = policy?.workloads ?? []
  return {
    workloads: entities('Workload', named),
    policyAnyWorkload: admitted === 'recorded',
    policyWorkloads: admitted === 'recorded' ? [] : entities('Workload', admitted),
  }
}

/** `dag-run` is the entity type `DagRun`. */
function typeNameOf(kind: string): string {
  return kind
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}

function entities(type: string, ids: readonly string[]): { __entity: { type: string; id: string } }[] {
  return ids.map((id) => ({ __entity: { type, id } }))
}
