import type { ListedServer, ServerRecord, UserCaller } from '@gatehouse/contracts'
import type { Access, Decisions } from '../decisions/decisions.ts'
import type { StoredServer } from '../servers/stored-server.ts'

/**
 * What one caller sees of the approved servers: what may be used with only the tools that may be called; of the rest, what the caller
 * may know exists, with whom to ask; of others nothing (REG-5, AUTH-8).
 */
export function listFor(caller: UserCaller, servers: readonly StoredServer[], decisions: Decisions): ListedServer[] {
  return servers.flatMap((server) => listedServer(caller, server, decisions) ?? [])
}

/** The record with only what the server would list to the caller, or undefined when the server may not be used. */
export function usableRecord(caller: UserCaller, record: ServerRecord, decisions: Decisions): ServerRecord | undefined {
  const access = decisions.access(caller, record)
  return access.decision.allowed ? usable(access, record, decisions) : undefined
}

/** Without what is between the registry, the server and its reviewers. */
function forClients(record: ServerRecord): ServerRecord {
  const { policy: _policy, ...shown } = record
  return { ...shown, clients: [], workloads: [] }
}

/** Of what may be known of a server, only that it is there. */
export function withoutOffers(record: ServerRecord): ServerRecord {
  return { ...forClients(record), tools: [], prompts: [], resources: [] }
}

/** For a person, of a server that they may know of. */
export function suspendedReason({ record: { support }, suspension }: StoredServer): string {
  return `suspended by the registry: ${suspension ?? 'no reason was recorded'}; ask ${support.channel}`
}

function usable(access: Access, record: ServerRecord, decisions: Decisions): ServerRecord {
  const seen =
    (kind: 'tool' | 'prompt' | 'resource') =>
    ({ name }: { readonly name: string }) =>
      decisions.lists(access, record, { kind, name })
  return {
    ...forClients(record),
    tools: record.tools.filter(seen('tool')),
    prompts: record.prompts.filter(seen('prompt')),
    resources: record.resources.filter(seen('resource')),
  }
}

function listedServer(caller: UserCaller, server: StoredServer, decisions: Decisions): ListedServer | undefined {
  const { record } = server
  if (record.status === 'retired') return undefined
  const access = decisions.access(caller, record)
  if (access.decision.allowed) return { access: 'allowed', record: usable(access, record, decisions) }
  if (!record.discoverable) return undefined
  const { id, title, owner, support } = record
  const reason = record.status === 'suspended' ? suspendedReason(server) : access.decision.reason
  return { access: 'denied', id, title, owner, support, reason }
}
