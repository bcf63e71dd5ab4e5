import { createHash } from 'node:crypto'
import { type Action, type Caller, type Decision, type ServerRecord, SurfaceName } from '@gatehouse/contracts'
import type { AccessPolicy } from '../authoring/policy.ts'
import { BoundedMap } from '../bounded-map.ts'
import { type CedarEngine, createCedarEngine } from './cedar.ts'
import { PRECEDENCE, reasonFor } from './reasons.ts'
import { type Resource, recordedOf } from './resource.ts'

export interface PolicyOptions {
  /** The policies of the tools, by name; a tool that is not among them is denied. Omitted (the registry, which has no tools), the record alone decides. */
  readonly tools?: Policies
  /** The same of prompts. */
  readonly prompts?: Policies
  /** The same of resources and templates of resources. */
  readonly resources?: Policies
  /** The server's own Cedar text; see README.md. */
  readonly cedar?: string | undefined
}

type Policies = Readonly<Record<string, AccessPolicy>>

export interface DecisionInput {
  readonly caller: Caller
  readonly action: Action
  readonly resource: Resource
  /** The server's signed record. */
  readonly record: ServerRecord
}

export interface Policy {
  /** Never throws: what cannot be evaluated is denied, by the rule `error`. */
  decide(input: DecisionInput): Decision
}

const MEMO_LIMIT = 20_000
/** Of one caller; then it starts anew. */
const RECENT_LIMIT = 5_000

/** @throws PolicyError when the server's own text is not valid */
export function createPolicy(options: PolicyOptions = {}): Policy {
  const engine = createCedarEngine(options.cedar ?? '')
  const memo = new BoundedMap<string, Decision>(MEMO_LIMIT)
  const recordKeys = new WeakMap<ServerRecord, string>()

  /** What of the record decides. A renewed record that says the same is the same key. */
  function recordKey(record: ServerRecord): string {
    let key = recordKeys.get(record)
    if (key === undefined) {
      const { id, status, groups, surfaces, channels, discoverable, support, tools, prompts, resources } = record
      const rules = [
        tools.map((tool) => [tool.name, tool.effect, tool.groups]),
        prompts.map((prompt) => [prompt.name, prompt.groups]),
        resources.map((resource) => [resource.name, resource.groups]),
      ]
      key = hash([id, status, groups, surfaces, channels, discoverable, support.channel, rules])
      recordKeys.set(record, key)
    }
    return key
  }

  function decideByAttributes(input: DecisionInput): Decision {
    // Only a server's own text can name a person; without one, people with the same attributes share an answer.
    const name = options.cedar ? nameOf(input.caller) : 'caller'
    const key = JSON.stringify([
      name,
      attributesOf(input.caller),
      input.action,
      input.resource,
      recordKey(input.record),
    ])
    const known = memo.get(key)
    if (known) return known
    const decision = evaluate(engine, input, name, options)
    memo.set(key, decision)
    return decision
  }

  /** A caller is one object for as long as its token and the record are the same, so most answers need no key made of its attributes. */
  const recent = new WeakMap<Caller, Recent>()

  function recentOf({ caller, record }: DecisionInput): Recent {
    const known = recent.get(caller)
    if (known?.record === record && known.decisions.size < RECENT_LIMIT) return known
    const entry: Recent = { record, decisions: new Map() }
    recent.set(caller, entry)
    return entry
  }

  return {
    decide(input) {
      try {
        const { decisions } = recentOf(input)
        const key = shortKey(input)
        let decision = decisions.get(key)
        if (!decision) {
          decision = decideByAttributes(input)
          decisions.set(key, decision)
        }
        return decision
      } catch {
        return { allowed: false, reason: 'the policy could not be evaluated', rule: 'error' }
      }
    },
  }
}

/** What one caller was told under one record. */
interface Recent {
  readonly record: ServerRecord
  readonly decisions: Map<string, Decision>
}

/** No two inputs of one caller and record have the same, whatever their names hold. */
function shortKey({ action, resource }: DecisionInput): string {
  return `${action} ${resource.kind.length} ${resource.kind} ${'name' in resource ? resource.name : ''}`
}

function evaluate(engine: CedarEngine, input: DecisionInput, name: string, options: PolicyOptions): Decision {
  const { caller, action, resource, record } = input
  const policies = policiesFor(resource, options)
  const policy = 'name' in resource ? own(policies, resource.name) : undefined
  const principal = { type: caller.kind === 'user' ? 'User' : 'Workload', id: name }
  const target = targetOf(resource, record, policy, policies !== undefined)
  const verdict = engine.evaluate({
    principal,
    action: { type: 'Action', id: action },
    resource: target.uid,
    context: {
      status: record.status,
      groups: groups(record.groups),
      surfaces: record.surfaces,
      channels: record.channels,
    },
    entities: [
      caller.kind === 'user'
        ? {
            uid: principal,
            attrs: {
              client: caller.client,
              surface: caller.surface,
              ...(caller.channel !== undefined && { channel: caller.channel }),
            },
            parents: caller.groups.map((id) => ({ type: 'Group', id })),
          }
        : { uid: principal, attrs: {}, parents: [] },
      target,
    ],
  })
  if (verdict.allowed) return { allowed: true, reason: 'allowed', rule: verdict.rules[0] ?? 'default' }
  const rule = PRECEDENCE.find((id) => verdict.rules.includes(id)) ?? verdict.rules[0] ?? 'default'
  return { allowed: false, reason: reasonFor(rule, { record, resource, policy, given: engine.reasonOf(rule) }), rule }
}

interface Target {
  readonly uid: { type: string; id: string }
  readonly attrs: Record<string, Attribute>
  readonly parents: []
}
type Attribute =
  | string
  | boolean
  | string[]
  | { type: string; id: string }[]
  | { __entity: { type: string; id: string } }[]

/** A tool is keyed `server/tool`, another thing `server/kind/name`. With policies known, one without a policy is as good as unreviewed. */
function targetOf(
  resource: Resource,
  record: ServerRecord,
  policy: AccessPolicy | undefined,
  policiesKnown: boolean,
): Target {
  if (!('name' in resource)) return { uid: { type: 'Server', id: record.id }, attrs: {}, parents: [] }
  const { kind, name } = resource
  const recorded = recordedOf(resource, record)
  const attrs = {
    name,
    recorded: recorded !== undefined && (policy !== undefined || !policiesKnown),
    everyone: recorded?.groups.length === 0,
    groups: groups(recorded?.groups ?? []),
    policyEveryone: policy?.groups === undefined,
    policyGroups: groups(policy?.groups ?? []),
    policySurfaces: [...(policy?.surfaces ?? SurfaceName.options)],
  }
  switch (kind) {
    case 'tool': {
      const effect = record.tools.find((tool) => tool.name === name)?.effect ?? 'write'
      return { uid: { type: 'Tool', id: `${record.id}/${name}` }, attrs: { ...attrs, effect }, parents: [] }
    }
    case 'prompt':
      return { uid: { type: 'Prompt', id: `${record.id}/prompt/${name}` }, attrs, parents: [] }
    case 'resource':
      return { uid: { type: 'McpResource', id: `${record.id}/resource/${name}` }, attrs, parents: [] }
    default:
      return { uid: { type: 'Resource', id: `${record.id}/${kind}/${name}` }, attrs: { kind, name }, parents: [] }
  }
}

function policiesFor(resource: Resource, { tools, prompts, resources }: PolicyOptions): Policies | undefined {
  switch (resource.kind) {
    case 'tool':
      return tools
    case 'prompt':
      return prompts
    case 'resource':
      return resources
    default:
      return undefined
  }
}

function groups(names: readonly string[]): { __entity: { type: string; id: string } }[] {
  return names.map((id) => ({ __entity: { type: 'Group', id } }))
}

function own(policies: Policies | undefined, name: string): AccessPolicy | undefined {
  return policies && Object.hasOwn(policies, name) ? policies[name] : undefined
}

/** A short key, however many groups a caller has. */
function hash(parts: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64')
}

function nameOf(caller: Caller): string {
  return caller.kind === 'user' ? caller.subject : caller.spiffeId
}

function attributesOf(caller: Caller): unknown {
  if (caller.kind === 'workload') return 'workload'
  return [[...caller.groups].sort(), caller.client, caller.surface, caller.channel]
}
