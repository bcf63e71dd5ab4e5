import { type AccessPolicy, type Decision, GatehouseError } from '@gatehouse/contracts'
import { isScopeRule } from '../decide/reasons.ts'
import { AuthError } from '../tokens/auth-error.ts'
import type { Arrival } from './arrival.ts'
import type { Serving } from './call.ts'
import { findReadable } from './readable.ts'
import type { Refusal } from './refusal-audit.ts'
import { RpcProblem } from './rpc-problem.ts'
import type { ToolTable } from './tool-table.ts'

export interface AccessGate {
  /** Whoever may not use the server opens no session with it, whatever they ask (AUTH-9). @throws RpcProblem 403 `denied` */
  checkServer(arrival: Arrival): Promise<void>
  /**
   * Of a caller whom everything else allows, the token must be wide enough: HTTP says so, for the client to ask for a wider one.
   * @throws AuthError 403 `insufficient_scope`
   */
  checkScopes(arrival: Arrival, body: unknown): Promise<void>
}

const SERVER_ERROR = -32_000

/** What is decided of a request before its method runs. Whom it refuses is in the audit by then. */
export function createAccessGate(serving: Serving, auditRefusal: (refusal: Refusal) => Promise<void>): AccessGate {
  const { policy, gate, table, url } = serving

  async function refuse(arrival: Arrival, { rule }: Decision, tool: string | undefined, error: GatehouseError) {
    await auditRefusal({ ...arrival, code: error.code, message: error.message, rule, tool })
    return error
  }

  return {
    async checkServer(arrival) {
      const { caller } = arrival
      const resource = { kind: 'server' } as const
      const decision = policy.decide({ caller, action: 'list', resource, record: gate.current().record })
      if (decision.allowed) return
      const problem = new RpcProblem(403, SERVER_ERROR, 'denied', decision.reason)
      throw await refuse(arrival, decision, undefined, problem)
    },
    async checkScopes(arrival, body) {
      const use = useOf(body, table)
      const scopes = use?.policy?.scopes
      if (!use || !scopes) return
      const { kind, name } = use
      const decision = policy.decide({
        caller: arrival.caller,
        action: kind === 'tool' ? 'call' : 'read',
        resource: { kind, name },
        record: gate.current().record,
      })
      if (!isScopeRule(decision.rule)) return
      const error = new AuthError('insufficient_scope', decision.reason, url, { scopes })
      throw await refuse(arrival, decision, kind === 'tool' ? name : undefined, error)
    },
  }
}

interface Use {
  readonly kind: 'tool' | 'prompt' | 'resource'
  readonly name: string
  readonly policy: AccessPolicy | undefined
}

/** What of the server a request would use, as far as it is there; nothing in the request has been checked. */
function useOf(body: unknown, table: ToolTable): Use | undefined {
  if (!isObject(body)) return undefined
  const { method, params } = body
  if (!isObject(params)) return undefined
  switch (method) {
    case 'tools/call':
      return named('tool', params['name'], table)
    case 'prompts/get':
      return named('prompt', params['name'], table)
    case 'resources/read':
    case 'resources/subscribe':
      return addressed(params['uri'], table)
    case 'completion/complete': {
      const { ref } = params
      if (!isObject(ref)) return undefined
      return ref['type'] === 'ref/prompt' ? named('prompt', ref['name'], table) : addressed(ref['uri'], table)
    }
    default:
      return undefined
  }
}

function named(kind: Use['kind'], name: unknown, { policies }: ToolTable): Use | undefined {
  if (typeof name !== 'string') return undefined
  return { kind, name, policy: policies[`${kind}s`][name] }
}

function addressed(uri: unknown, table: ToolTable): Use | undefined {
  const found = typeof uri === 'string' ? findReadable(table, { kind: 'resource', uri }) : undefined
  return found && named('resource', found.name, table)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
