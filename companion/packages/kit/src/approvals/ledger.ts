import { setTimeout as sleep } from 'node:timers/promises'
import { AuditEvent, type Digest } from '@gatehouse/contracts'
import { type Kysely, sql, type Transaction } from 'kysely'
import { ApprovalError } from './approval-error.ts'
import { LedgerError } from './ledger-error.ts'
import { type LedgerTables, migrateLedger } from './ledger-tables.ts'
import { StoredOutcome } from './outcome.ts'

/**
 * Until when receipts with their outcomes, and shipped audit rows, may be forgotten. Receipts live ten minutes, so a day is ample. By the
 * database's clock: a replica whose own is wrong must not forget what another would then run again.
 */
const FORGETTABLE = sql<Date>`now() - interval '1 day'`
const FIRST_POLL_MS = 50
const SLOWEST_POLL_MS = 500

export interface Consumption {
  readonly jti: string
  readonly subject: string
  readonly tool: string
  readonly argsDigest: Digest
  readonly step: string
  /** End of the receipt's life, seconds since the epoch. */
  readonly expiresAt: number
  /** "This write starts": committed together with the consumption, or neither is. */
  readonly audit: AuditEvent
}

type Consumed =
  | { readonly kind: 'won' }
  /**
   * The receipt was used before. `sameCaller`: by the same subject, for the same tool and arguments; only then `outcome` may be told.
   * Without one, the first call still runs or its process died: the outcome is unknown, and must be checked before another try.
   */
  | { readonly kind: 'lost'; readonly sameCaller: boolean; readonly outcome?: StoredOutcome }

export interface Ledger {
  migrate(): Promise<void>
  /**
   * Uses up a receipt. Of racing calls, on any replica, exactly one wins. The same caller's losing call waits up to `outcomeWaitMs` for the
   * winner's outcome; `signal` ends that wait early.
   * @throws LedgerError `ledger_unavailable`: nothing is known to be consumed, so the write must not run
   * @throws ApprovalError `approval_expired`: the receipt ran out while the database kept the call waiting, and is not used up
   */
  consume(entry: Consumption, signal?: AbortSignal): Promise<Consumed>
  /**
   * Stores what the write answered, with its own audit row (a new event with an id of its own), in one transaction.
   * @throws LedgerError
   */
  finish(jti: string, outcome: StoredOutcome, audit: AuditEvent): Promise<void>
  /** The oldest audit events that the registry has not acknowledged. @throws LedgerError */
  pendingAudit(limit: number): Promise<AuditEvent[]>
  /** Keeps an event that the registry will not take out of the way of the others. @throws LedgerError */
  setAside(id: string, reason: string): Promise<void>
  /** Offers the registry once more what was set aside; it may know better by now. @throws LedgerError */
  offerAgain(): Promise<void>
  /** Marks them acknowledged, and forgets what is past its retention. @throws LedgerError */
  markShipped(ids: readonly string[]): Promise<void>
}

export interface LedgerOptions {
  /** The server's own PostgreSQL schema, such as `presto`; made if it is not there. */
  readonly schema: string
  /** Default 10,000. */
  readonly outcomeWaitMs?: number
}

/** The ledger of used receipts and of the audit of writes: PostgreSQL, because replicas have to agree. */
export function createLedger(db: Kysely<LedgerTables>, options: LedgerOptions): Ledger {
  const { schema, outcomeWaitMs = 10_000 } = options
  const tables = db.withSchema(schema)

  async function take(entry: Consumption): Promise<boolean> {
    return tables.transaction().execute(async (transaction) => {
      const taken = await transaction
        .insertInto('gatehouse_receipt')
        .values({
          jti: entry.jti,
          subject: entry.subject,
          tool: entry.tool,
          args_digest: entry.argsDigest,
          step: entry.step,
          outcome: null,
          finished_at: null,
        })
        .onConflict((conflict) => conflict.column('jti').doNothing())
        .returning('jti')
        .executeTakeFirst()
      if (!taken) return false
      await append(transaction, entry.audit)
      if (Date.now() >= entry.expiresAt * 1000) {
        throw new ApprovalError('approval_expired', 'the approval has expired; it has to be given again')
      }
      return true
    })
  }

  function used(jti: string) {
    return tables
      .selectFrom('gatehouse_receipt')
      .select(['subject', 'tool', 'args_digest', 'outcome'])
      .where('jti', '=', jti)
      .executeTakeFirst()
  }

  async function lost(entry: Consumption, signal: AbortSignal | undefined): Promise<Consumed> {
    const deadline = Date.now() + outcomeWaitMs
    for (let pause = FIRST_POLL_MS; ; pause = Math.min(pause * 2, SLOWEST_POLL_MS)) {
      const row = await used(entry.jti)
      const sameCaller =
        row?.subject === entry.subject && row.tool === entry.tool && row.args_digest === entry.argsDigest
      if (!sameCaller) return { kind: 'lost', sameCaller }
      if (row.outcome !== null) {
        return { kind: 'lost', sameCaller, outcome: StoredOutcome.parse(JSON.parse(row.outcome)) }
      }
      if (signal?.aborted || Date.now() + pause > deadline) return { kind: 'lost', sameCaller }
      await sleep(pause, undefined, signal ? { signal } : {}).catch(() => {})
    }
  }

  async function setAside(id: string, reason: string): Promise<void> {
    await tables
      .updateTable('gatehouse_audit')
      .set({ set_aside_at: new Date(), set_aside_reason: reason })
      .where('id', '=', id)
      .execute()
  }

  /** A row that another version of this server wrote may be none that this one can read: it must not hold up the rest. */
  async function pending(limit: number): Promise<AuditEvent[]> {
    const rows = await tables
      .selectFrom('gatehouse_audit')
      .select(['id', 'event'])
      .where('shipped_at', 'is', null)
      .where('set_aside_at', 'is', null)
      .orderBy('seq')
      .limit(limit)
      .execute()
    const events: AuditEvent[] = []
    for (const { id, event } of rows) {
      const read = AuditEvent.safeParse(JSON.parse(event))
      if (read.success) events.push(read.data)
      else await setAside(id, 'it cannot be read')
    }
    return events.length === 0 && rows.length > 0 ? pending(limit) : events
  }

  return {
    migrate: () => available('prepare its tables', () => migrateLedger(db, schema)),

    consume: (entry, signal) =>
      available('consume a receipt', async () => ((await take(entry)) ? { kind: 'won' } : lost(entry, signal))),

    finish: (jti, outcome, audit) =>
      available('store an outcome', () =>
        tables.transaction().execute(async (transaction) => {
          const { numUpdatedRows } = await transaction
            .updateTable('gatehouse_receipt')
            .set({ outcome: JSON.stringify(outcome), finished_at: new Date() })
            .where('jti', '=', jti)
            .where('outcome', 'is', null)
            .executeTakeFirstOrThrow()
          if (numUpdatedRows !== 1n) {
            throw new LedgerError('ledger_unknown_receipt', 'no running write was started with this receipt')
          }
          await append(transaction, audit)
        }),
      ),

    pendingAudit: (limit) => available('read its audit', () => pending(limit)),

    setAside: (id, reason) => available('set an audit event aside', () => setAside(id, reason)),

    offerAgain: () =>
      available('offer its audit again', async () => {
        await tables
          .updateTable('gatehouse_audit')
          .set({ set_aside_at: null, set_aside_reason: null })
          .where('set_aside_at', 'is not', null)
          .execute()
      }),

    markShipped: (ids) =>
      available('mark its audit', async () => {
        if (ids.length > 0) {
          await tables
            .updateTable('gatehouse_audit')
            .set({ shipped_at: sql<Date>`now()` })
            .where('id', 'in', ids)
            .execute()
        }
        await tables.deleteFrom('gatehouse_audit').where('shipped_at', '<', FORGETTABLE).execute()
        await tables.deleteFrom('gatehouse_receipt').where('consumed_at', '<', FORGETTABLE).execute()
      }),
  }
}

async function append(transaction: Transaction<LedgerTables>, audit: AuditEvent): Promise<void> {
  await transaction
    .insertInto('gatehouse_audit')
    .values({
      id: audit.id,
      event: JSON.stringify(audit),
      shipped_at: null,
      set_aside_at: null,
      set_aside_reason: null,
    })
    .execute()
}

async function available<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof LedgerError || cause instanceof ApprovalError) throw cause
    throw new LedgerError('ledger_unavailable', `the approval ledger could not ${what}`, { cause })
  }
}
