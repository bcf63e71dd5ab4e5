import { buildAuditEvent } from '../audit/event.ts'
import { redactText } from '../audit/redact.ts'
import type { Arrival } from './arrival.ts'
import type { Serving } from './call.ts'
import { findReadable } from './readable.ts'

/** The resources that one legacy session asked to hear about. */
export class Subscriptions {
  readonly #uris = new Set<string>()
  readonly #serving: Serving

  constructor(serving: Serving) {
    this.#serving = serving
  }

  /** @returns false for what is not there or may not be read, which look alike */
  async add(uri: string, arrival: Arrival): Promise<boolean> {
    const { allowed, event } = this.#decide(uri, arrival)
    const taken = allowed && this.#uris.size < MOST
    await this.#serving.journal.record(
      buildAuditEvent({ ...event, action: taken ? 'list' : 'refuse', outcome: taken ? 'ok' : 'unknown_resource' }),
    )
    if (taken) this.#uris.add(uri)
    return taken
  }

  remove(uri: string): void {
    this.#uris.delete(uri)
  }

  /** Whether to tell: access may have been lost since. */
  wants(uri: string, arrival: Arrival): boolean {
    return this.#uris.has(uri) && this.#decide(uri, arrival).allowed
  }

  #decide(uri: string, { caller, from, startedAt }: Arrival) {
    const { id, table, policy, gate } = this.#serving
    const found = findReadable(table, { kind: 'resource', uri })
    const unknown = { allowed: false, reason: 'unknown resource', rule: 'unknown_resource' }
    const about = found && { kind: 'resource', name: found.name }
    const decision = about
      ? policy.decide({ caller, action: 'read', resource: about, record: gate.current().record })
      : unknown
    const resource = found?.name ?? redactText(uri)
    return { allowed: decision.allowed, event: { server: id, caller, from, startedAt, decision, resource } }
  }
}

/** One session's. */
const MOST = 1_000
