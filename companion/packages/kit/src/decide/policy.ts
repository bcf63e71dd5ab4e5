import { createHash } from 'node:crypto'
import type { AccessPolicy, Action, Caller, Decision, ServerPolicy, ServerRecord } from '@gatehouse/contracts'
import { BoundedMap } from '../bounded-map.ts'
import { type CallArguments, textsOf, unmetArgument } from './arguments.ts'
import { createCedarEngine, type Verdict } from './cedar.ts'
import { factsOf } from './facts.ts'
import { isScopeRule, ruleToName, reasonFor } from './reasons.ts'
import { type Asked, requestOf, typeOf } from './request.ts'
import type { Resource } from './resource.ts'

/**
 * What a server's team wrote of who may do what (`ServerPolicy`), or a part of it. Without the policies of a kind the record alone decides of
 * that kind; with them, what is not among them is denied.
 */
export type PolicyOptions = { readonly [K in keyof ServerPolicy]?: ServerPolicy[K] | undefined }

type Policies = Readonly<Record<string, AccessPolicy>>

export interface DecisionInput {
  readonly caller: Caller
  readonly action: Action
  readonly resource: Resource
  /** The server's signed record. */
  readonly record: ServerRecord
  /**
   * Of a `call`, once they are validated. Without them the answer says whether the caller may call the tool with any arguments at all; what is
   * denied so is denied with them too, for the same reason.
   */
  readonly arguments?: CallArguments | undefined
}

export interface Policy {
  /** Never throws: what cannot be evaluated is denied, by the rule `error`. */
  decide(input: DecisionInput): Decision
  /** Whether the caller gets to see it in a list: what it may use, now or with a token of wider scope. */
  lists(input: Pick<DecisionInput, 'caller' | 'resource' | 'record'>): boolean
}

const MEMO_LIMIT = 20_000
/** Of one caller; then it starts anew. */
const RECENT_LIMIT = 5_000
const FAILED: Decision = { allowed: false, reason: 'the policy could not be evaluated', rule: 'error' }

/** @throws PolicyError when the server's own text or schema is not valid */
export function createPolicy(options: PolicyOptions = {}): Policy {
  const engine = createCedarEngine(options.cedar ?? '', options.cedarSchema ?? '')
  const verdicts = new BoundedMap<string, Verdict>(MEMO_LIMIT)
  const recordKeys = new WeakMap<ServerRecord, string>()
  /** A caller is one object for as long as its token and the record are the same, so most answers are found by it alone. */
  const recent = new WeakMap<Caller, Recent>()

  function recordKey(record: ServerRecord): string {
    let key = recordKeys.get(record)
    if (key === undefined) {
      key = hash(rulesOf(record))
      recordKeys.set(record, key)
    }
    return key
  }

  /** Only a server's own text can name a person; without that, people with the same attributes share an answer. */
  function nameOf(caller: Caller): string {
    if (caller.kind === 'workload') return caller.spiffeId
    return engine.namesCallers ? caller.subject : 'caller'
  }

  function recentOf(caller: Caller, record: ServerRecord): Recent {
    const known = recent.get(caller)
    if (known?.record === record && known.decisions.size < RECENT_LIMIT) return known
    const entry: Recent = { record, key: undefined, decisions: new Map() }
    recent.set(caller, entry)
    return entry
  }

  /** @param args when they are known and can change the answer */
  function remembered(input: DecisionInput, args: CallArguments | undefined): Decision {
    const { caller, resource, record } = input
    const policy = policyOf(resource, options)
    const unmet = unmetArgument(policy, caller, args)
    const read = readsArguments(resource) ? args : undefined
    const mine = recentOf(caller, record)
    const key = args ? `${shortKey(input)} ${hash([unmet ?? null, read ? textsOf(read) : null])}` : shortKey(input)
    const known = mine.decisions.get(key)
    if (known) return known
    const asked: Asked = {
      ...input,
      name: nameOf(caller),
      policy,
      policiesKnown: policiesFor(resource, options) !== undefined,
      ownTypes: engine.ownTypes,
      argumentsAllowed: unmet === undefined,
      arguments: read,
    }
    const decision = decisionOf(verdictOf(asked, mine, key), asked, unmet)
    mine.decisions.set(key, decision)
    return decision
  }

  /** @param key of the question among all of one caller */
  function verdictOf(asked: Asked, mine: Recent, key: string): Verdict {
    let shared: string
    if (engine.judges(typeOf(asked.resource, engine.ownTypes))) {
      mine.key ??= hash([asked.name, attributesOf(asked.caller), recordKey(asked.record)])
      shared = `${mine.key} ${key}`
    } else {
      shared = factsOf(asked)
    }
    const known = verdicts.get(shared)
    if (known) return known
    const verdict = engine.evaluate(requestOf(asked))
    verdicts.set(shared, verdict)
    return verdict
  }

  function decisionOf(verdict: Verdict, { record, resource, policy }: Asked, argument: string | undefined): Decision {
    if (verdict.allowed) return { allowed: true, reason: 'allowed', rule: verdict.rules[0] ?? 'default' }
    const rule = ruleToName(verdict.rules)
    const reason = reasonFor(rule, { record, resource, policy, given: engine.reasonOf(rule), argument })
    return { allowed: false, reason, rule }
  }

  function readsArguments(resource: Resource): boolean {
    return engine.readsArguments && engine.judges(typeOf(resource, engine.ownTypes))
  }

  function decide(input: DecisionInput): Decision {
    try {
      const anyhow = remembered(input, undefined)
      const { action, resource, arguments: args } = input
      if (!anyhow.allowed || action !== 'call' || !args) return anyhow
      if (!readsArguments(resource) && !policyOf(resource, options)?.arguments) return anyhow
      return remembered(input, args)
    } catch {
      return FAILED
    }
  }

  return {
    decide,
    lists({ caller, resource, record }) {
      if (!decide({ caller, action: 'list', resource, record }).allowed) return false
      const use = resource.kind === 'tool' ? 'call' : 'read'
      const { allowed, rule } = decide({ caller, action: use, resource, record })
      return allowed || isScopeRule(rule)
    },
  }
}

/** What one caller was told under one record. */
interface Recent {
  readonly record: ServerRecord
  /** Of all callers whom the server's own text cannot tell from this one, once it is needed. */
  key: string | undefined
  readonly decisions: Map<string, Decision>
}

/** No two inputs of one caller and record have the same, whatever their names hold. */
function shortKey({ action, resource }: DecisionInput): string {
  const key = `${action} ${resource.kind.length} ${resource.kind} ${'name' in resource ? resource.name : ''}`
  if (!('attributes' in resource) || !resource.attributes) return key
  return JSON.stringify([key, Object.entries(resource.attributes)])
}

/** What of the record decides. A renewed record that says the same is the same to a decision. */
function rulesOf(record: ServerRecord): unknown[] {
  const { id, status, groups, surfaces, channels, discoverable, support, workloads, tools, prompts, resources } = record
  const rules = [
    tools.map((tool) => [tool.name, tool.effect, tool.groups]),
    prompts.map((prompt) => [prompt.name, prompt.groups]),
    resources.map((resource) => [resource.name, resource.groups]),
  ]
  return [id, status, groups, surfaces, channels, discoverable, support.channel, workloads, rules]
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

function policyOf(resource: Resource, options: PolicyOptions): AccessPolicy | undefined {
  const policies = 'name' in resource ? policiesFor(resource, options) : undefined
  return policies && 'name' in resource && Object.hasOwn(policies, resource.name) ? policies[resource.name] : undefined
}

/** A short key, however many groups a caller has. */
function hash(parts: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64')
}

function attributesOf(caller: Caller): unknown {
  if (caller.kind === 'workload') return 'workload'
  const { groups, roles = [], scopes = [], client, surface, channel } = caller
  return ['user', [...groups].sort(), [...roles].sort(), [...scopes].sort(), client, surface, channel ?? null]
}
