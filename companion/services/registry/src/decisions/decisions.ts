import {
  type Action,
  clientTerms,
  type Decided,
  type Decision,
  type RegisteredClient,
  type ServerRecord,
  type UserCaller,
} from '@gatehouse/contracts'
import type { Policies } from './policies.ts'

export interface Access {
  readonly decision: Decision
  /** As the server will see the caller: the record's registration of the client decides the surface and whether there is a channel. */
  readonly caller: UserCaller
}

/** What each server would decide of a caller, by its own record and policy. */
export class Decisions {
  /** @param clients of the registry itself, by whose terms a caller's channel was signed */
  constructor(
    readonly policies: Policies,
    private readonly clients: readonly RegisteredClient[],
  ) {}

  /** Whether the caller may use the server at all. */
  access(caller: UserCaller, record: ServerRecord): Access {
    const seen = this.#seenBy(record, caller)
    const decision = this.policies
      .of(record)
      .decide({ caller: seen ?? caller, action: 'list', resource: { kind: 'server' }, record })
    if (!decision.allowed || seen) return { decision, caller: seen ?? caller }
    // The server's kit refuses a client that its record does not know, so the registry must too.
    const reason = `does not serve this client; ask ${record.support.channel}`
    return { decision: { allowed: false, reason, rule: 'client-unknown' }, caller }
  }

  /** Whether the caller gets to see it in a list of the server's. @param access to the server of this record */
  lists({ caller }: Access, record: ServerRecord, resource: Decided): boolean {
    return this.policies.of(record).lists({ caller, resource, record })
  }

  /** @param access to the server of this record */
  decide({ caller }: Access, record: ServerRecord, action: Action, resource: Decided, args?: Arguments): Decision {
    const given = args && { arguments: args }
    return this.policies.of(record).decide({ caller, action, resource, record, ...given })
  }

  /** Undefined for a client that the record does not know. */
  #seenBy(record: ServerRecord, caller: UserCaller): UserCaller | undefined {
    const terms = clientTerms(record.clients, caller.client)
    if (!terms) return undefined
    const { channel, ...rest } = caller
    // Signed in another way than the server demands, it would be no channel there.
    const signed = terms.channel !== undefined && terms.channel === clientTerms(this.clients, caller.client)?.channel
    return { ...rest, surface: terms.surface, ...(signed && channel !== undefined && { channel }) }
  }
}

type Arguments = Readonly<Record<string, unknown>>
