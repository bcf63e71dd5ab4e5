import { type AuditEvent, canonicalJson } from '@gatehouse/contracts'
import { type Kysely, sql, type Transaction } from 'kysely'
import type { RegistryTables } from '../database/tables.ts'
import { chain, firstBroken, GENESIS, type Link } from './chain.ts'

export interface Appended {
  readonly accepted: number
  /** Events whose id the log already has; the first one stays. */
  readonly duplicates: number
}

const PAGE = 2000

/** The append-only audit log (REG-9). Every event is one link of one chain, whatever replica wrote it. */
export class AuditStore {
  constructor(private readonly database: Kysely<RegistryTables>) {}

  append(events: readonly AuditEvent[], now: Date): Promise<Appended> {
    return this.database.transaction().execute((transaction) => this.appendWithin(transaction, events, now))
  }

  /** The same as a part of the caller's transaction, for a change and its audit row that must stand or fall together. */
  async appendWithin(
    transaction: Transaction<RegistryTables>,
    events: readonly AuditEvent[],
    now: Date,
  ): Promise<Appended> {
    // One writer at a time, or two links would continue the same one. Readers are not held up.
    await sql`lock table audit_events in share row exclusive mode`.execute(transaction)
    const fresh = await withoutKnown(transaction, events)
    if (fresh.length > 0) {
      const last = await transaction
        .selectFrom('audit_events')
        .select(['sequence', 'hash'])
        .orderBy('sequence', 'desc')
        .limit(1)
        .executeTakeFirst()
      const receivedAt = now.toISOString()
      const start = Number(last?.sequence ?? 0) + 1
      const links = chain(
        fresh.map((event, index) => ({ sequence: start + index, receivedAt, event: canonicalJson(event) })),
        last?.hash ?? GENESIS,
      )
      await transaction
        .insertInto('audit_events')
        .values(fresh.map((event, index) => row(event, links[index])))
        .execute()
    }
    return { accepted: fresh.length, duplicates: events.length - fresh.length }
  }

  /** Reads the whole log, oldest first. @returns the sequence of the first row that was tampered with, or undefined */
  verify(): Promise<number | undefined> {
    return firstBroken(this.#links())
  }

  async *#links(): AsyncGenerator<Link> {
    for (let after = '0'; ; ) {
      const rows = await this.database
        .selectFrom('audit_events')
        .select(['sequence', 'received_at', 'event', 'previous_hash', 'hash'])
        .where('sequence', '>', after)
        .orderBy('sequence')
        .limit(PAGE)
        .execute()
      for (const { sequence, received_at, event, previous_hash, hash } of rows) {
        yield {
          sequence: Number(sequence),
          receivedAt: received_at.toISOString(),
          event,
          previousHash: previous_hash,
          hash,
        }
      }
      const last = rows.at(-1)
      if (!last || rows.length < PAGE) return
      after = last.sequence
    }
  }
}

async function withoutKnown(
  transaction: Transaction<RegistryTables>,
  events: readonly AuditEvent[],
): Promise<readonly AuditEvent[]> {
  const first = new Map<string, AuditEvent>()
  for (const event of events) {
    const id = event.id.toLowerCase()
    if (!first.has(id)) first.set(id, event)
  }
  if (first.size === 0) return []
  const known = await transaction
    .selectFrom('audit_events')
    .select('id')
    .where('id', 'in', [...first.keys()])
    .execute()
  for (const { id } of known) first.delete(id)
  return [...first.values()]
}

function row(event: AuditEvent, link: Link | undefined) {
  if (!link) throw new TypeError('every event has a link')
  const subject = event.caller?.kind === 'user' ? event.caller.subject : event.caller?.spiffeId
  return {
    sequence: link.sequence,
    id: event.id,
    at: event.at,
    received_at: link.receivedAt,
    server: event.server,
    // PostgreSQL text cannot hold U+0000; the event itself keeps it, escaped.
    subject: subject?.replaceAll('\0', '') ?? null,
    action: event.action,
    outcome: event.outcome.replaceAll('\0', ''),
    event: link.event,
    previous_hash: link.previousHash,
    hash: link.hash,
  }
}
