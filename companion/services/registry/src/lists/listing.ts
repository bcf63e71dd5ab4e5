import { type Action, clientTerms, type ListedServer, type ServerRecord, type UserCaller } from '@gatehouse/contracts'
import type { Policy } from '@gatehouse/kit'
import type { StoredServer } from '../servers/stored-server.ts'

/**
 * What one caller sees of the approved servers: what may be used with only the tools that may be called; of the rest, what the caller
 * may know exists, with whom to ask; of others nothing (REG-5, AUTH-8).
 */
export function listFor(caller: UserCaller, servers: readonly StoredServer[], policy: Policy): ListedServer[] {
  return servers.flatMap((server) => listedServer(caller, server, policy) ?? [])
}

/** The record with only what the caller may call or read, and no clients, or undefined when the server may not be used. */
export function usableRecord(caller: UserCaller, record: ServerRecord, policy: Policy): ServerRecord | undefined {
  const access = accessTo(caller, record, policy)
  if (!access.allowed) return undefined
  const may =
    (action: Action, kind: string) =>
    ({ name }: { readonly name: string }) =>
      policy.decide({ caller: access.caller, action, resource: { kind, name }, record }).allowed
  return {
    ...record,
    tools: record.tools.filter(may('call', 'tool')),
    prompts: record.prompts.filter(may('read', 'prompt')),
    resources: record.resources.filter(may('read', 'resource')),
    clients: [],
  }
}

function listedServer(
  caller: UserCaller,
  { record, suspension }: StoredServer,
  policy: Policy,
): ListedServer | undefined {
  if (record.status === 'retired') return undefined
  const usable = usableRecord(caller, record, policy)
  if (usable) return { access: 'allowed', record: usable }
  if (!record.discoverable) return undefined
  const { id, title, owner, support } = record
  const access = accessTo(caller, record, policy)
  const reason =
    record.status === 'suspended'
      ? `suspended by the registry: ${suspension ?? 'no reason was recorded'}; ask ${support.channel}`
      : access.reason
  return { access: 'denied', id, title, owner, support, reason }
}

interface Access {
  readonly allowed: boolean
  readonly reason: string
  /** As the server will see the caller: the record's registration of the client decides the surface. */
  readonly caller: UserCaller
}

function accessTo(caller: UserCaller, record: ServerRecord, policy: Policy): Access {
  const client = clientTerms(record.clients, caller.client)
  const seen = client ? { ...caller, surface: client.surface } : caller
  const decision = policy.decide({ caller: seen, action: 'list', resource: { kind: 'server' }, record })
  if (!decision.allowed || client) return { ...decision, caller: seen }
  // The server's kit refuses a client that its record does not know, so the list must too.
  return { allowed: false, reason: `does not serve this client; ask ${record.support.channel}`, caller: seen }
}
