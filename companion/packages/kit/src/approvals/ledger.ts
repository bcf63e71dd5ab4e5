import { setTimeout as sleep } from 'node:timers/promises'
import { AuditEvent, type Digest } from '@gatehouse/contracts'
import type { Kysely, Transaction } from 'kysely'
import { LedgerError } from './ledger-error.ts'
import { type LedgerTables, migrateLedger } from './ledger-tables.ts'
import { StoredOutcome } from './outcome.ts'

/** How long receipts with their outcomes, and shipped audit rows, are kept. Receipts live ten minutes, so a day is ample. */
const RETENTION_MS = 24 * 60 * 60 * 1000
const FIRST_POLL_MS = 50
const SLOWEST_POLL_MS = 500

export interface Consumption {
  readonly jti: string
  readonly subject: string
  readonly tool: string
  readonly argsDigest: Digest
  readonly step: string
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
   */
  consume(entry: Consumption, signal?: AbortSignal): Promise<Consumed>
  /**
   * Stores what the write answered, with its own audit row (a new event with an id of its own), in one transaction.
   * @throws LedgerError
   */
  finish(jti: string, outcome: StoredOutcome, audit: AuditEvent): Promise<void>
  /** The oldest audit events that the registry has not acknowledged. @throws LedgerError */
  pendingAudit(limit: number): Promise<AuditEvent[]>
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

    pendingAudit: (limit) =>
      available('read its audit', async () => {
        const rows = await tables
          .selectFrom('gatehouse_audit')
          .select('event')
          .where('shipped_at', 'is', null)
          .orderBy('seq')
          .limit(limit)
          .execute()
        return rows.map((row) => AuditEvent.parse(JSON.parse(row.event)))
      }),

    markShipped: (ids) =>
      available('mark its audit', async () => {
        const oldest = new Date(Date.now() - RETENTION_MS)
        if (ids.length > 0) {
          await tables.updateTable('gatehouse_audit').set({ shipped_at: new Date() }).where('id', 'in', ids).execute()
        }
        await tables.deleteFrom('gatehouse_audit').where('shipped_at', '<', oldest).execute()
        await tables.deleteFrom('gatehouse_receipt').where('consumed_at', '<', oldest).execute()
      }),
  }
}

async function append(transaction: Transaction<LedgerTables>, audit: AuditEvent): Promise<void> {
  await transaction
    .insertInto('gatehouse_audit')
    .values({ id: audit.id, event: JSON.stringify(audit), shipped_at: null })
    .execute()
}

async function available<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof LedgerError) throw cause
    throw new LedgerError('ledger_unavailable', `the approval ledger could not ${what}`, { cause })
  }
}
