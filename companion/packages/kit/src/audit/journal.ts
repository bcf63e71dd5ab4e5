import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AuditEvent } from '@gatehouse/contracts'
import type { Logger } from '../http/log.ts'
import { type Parcel, type Ship, startCourier } from './courier.ts'
import { JournalError } from './journal-error.ts'

export interface JournalOptions {
  /** File of the journal, on a persistent volume in production. Its folder is made if need be. */
  readonly path: string
  readonly ship: Ship
  readonly log: Logger
  /** Most that may wait for the registry, bytes of JSON. Default 256 MiB. */
  readonly maxBytes?: number
  /** How long `close` tries to ship what is left, milliseconds. Default 2,000. */
  readonly closeGraceMs?: number
}

export interface Journal {
  /** Events that wait for the registry. */
  readonly waiting: () => number
  /** Events that the registry will not take. They are offered to it again at the next start. */
  readonly setAside: () => number
  /**
   * Asked before work that will have to be recorded: after a failure it tries the disk, so that nothing runs in vain while there is no room.
   * @throws JournalError
   */
  check(): void
  /** Resolves when the event is on the disk. @throws JournalError: the event is not durable, so its result must not be returned */
  record(event: AuditEvent): Promise<void>
  /** Writes what waits, tries once more to ship, and closes the file. What was not shipped is shipped after the next start. */
  close(): Promise<void>
}

interface Waiting {
  readonly json: string
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: JournalError) => void
}

const DEFAULT_MAX_BYTES = 256 * 1024 * 1024
const DEFAULT_CLOSE_GRACE_MS = 2000
/** How long events gather before they are shipped. */
const LINGER_MS = 50
/** How long shipped events may stay in the file of a server that records nothing more. */
const REMOVAL_MS = 500
const PARCEL_BYTES = 512 * 1024
/** Kept for what runs already when no more is let in. */
const RESERVE_BYTES = 256 * 1024
/** More than one event takes, so that there is room for it after a probe. */
const PROBE_BYTES = 32 * 1024

/**
 * The local journal of audit events: SQLite with a write-ahead log, synced before `record` resolves. All events that arrive in one turn of
 * the event loop share one transaction, so a busy server pays for one sync and not for many. Events are kept until shipped; one that the
 * registry will not take is set aside in a table of its own, so that it holds up no other.
 * @throws JournalError `journal_unwritable` when the file cannot be opened, is damaged, or belongs to another running process
 */
export function createJournal(options: JournalOptions): Journal {
  const { path, ship, log, maxBytes = DEFAULT_MAX_BYTES, closeGraceMs = DEFAULT_CLOSE_GRACE_MS } = options
  const database = open(path)
  const statements = prepare(database)

  /** Bytes in the file and waiting for it. */
  let held = numberOf(statements.stored.get())
  let waiting: Waiting[] = []
  let closing: Promise<void> | undefined
  /** What kept the latest events from the disk. */
  let broken: JournalError | undefined

  /** Events up to here are with the registry. They leave the file with the next write, which is synced anyway, or when there is none for a while. */
  let shippedThrough = Number.MIN_SAFE_INTEGER
  let removedThrough = shippedThrough
  let removal: NodeJS.Timeout | undefined
  /** Written by this process, so not from another version of it. */
  const ownFrom = numberOf(statements.latest.get()) + 1

  const courier = startCourier({ next: parcel, ship, log, lingerMs: LINGER_MS })

  function flush(): void {
    const batch = waiting
    waiting = []
    if (batch.length === 0) return
    try {
      transaction(database, () => {
        for (const { bytes, json } of batch) statements.insert.run(bytes, json)
        removeShipped()
      })
      broken = undefined
    } catch (cause) {
      broken = unwritable(cause)
      for (const entry of batch) {
        held -= entry.bytes
        entry.reject(broken)
      }
      return
    }
    for (const entry of batch) entry.resolve()
    courier.wake()
  }

  function removeShipped(): void {
    if (removedThrough >= shippedThrough) return
    statements.remove.run(removedThrough, shippedThrough)
    removedThrough = shippedThrough
  }

  /** What cannot be removed now is shipped twice at worst, which is harmless. */
  function removeQuietly(): void {
    try {
      removeShipped()
    } catch (cause) {
      log.warn('shipped audit events could not be removed from the journal', { code: 'journal_unwritable', cause })
    }
  }

  function setAside(seq: number, reason: string): void {
    transaction(database, () => {
      statements.setAside.run(new Date().toISOString(), reason, seq)
      statements.remove.run(seq, seq)
    })
  }

  function parcel(most: number): Parcel | undefined {
    const events: AuditEvent[] = []
    let first = 0
    let last = 0
    let bytes = 0
    let unreadable = 0
    for (const row of statements.oldest.all(shippedThrough, most)) {
      const size = Number(row['bytes'])
      if (events.length > 0 && bytes + size > PARCEL_BYTES) break
      const seq = Number(row['seq'])
      const event = eventOf(String(row['json']), seq >= ownFrom)
      if (!event) {
        log.error('a recorded audit event cannot be read; it is kept here, set aside', { code: 'audit_set_aside', seq })
        setAside(seq, 'it cannot be read')
        unreadable++
        continue
      }
      if (events.length === 0) first = seq
      events.push(event)
      last = seq
      bytes += size
    }
    if (events.length === 0) return unreadable > 0 ? parcel(most) : undefined
    return {
      events,
      acknowledge() {
        shippedThrough = last
        held -= bytes
        removal ??= setTimeout(() => {
          removal = undefined
          if (!closing) removeQuietly()
        }, REMOVAL_MS).unref()
      },
      setAside: (reason) => setAside(first, reason),
    }
  }

  return {
    waiting: () => numberOf(statements.waiting.get(shippedThrough)),
    setAside: () => numberOf(statements.aside.get()),
    check() {
      if (closing) throw closed()
      if (held + Math.min(RESERVE_BYTES, maxBytes / 4) > maxBytes) throw full()
      if (!broken) return
      try {
        transaction(database, () => statements.probe.run('x'.repeat(PROBE_BYTES)))
        broken = undefined
      } catch (cause) {
        broken = unwritable(cause)
        throw broken
      }
    },
    async record(event) {
      if (closing) throw closed()
      const json = JSON.stringify(event)
      const bytes = Buffer.byteLength(json)
      if (held + bytes > maxBytes) throw full()
      held += bytes
      if (waiting.length === 0) setImmediate(flush)
      return new Promise((resolve, reject) => waiting.push({ json, bytes, resolve, reject }))
    },
    close() {
      closing ??= (async () => {
        flush()
        await courier.stop(closeGraceMs)
        clearTimeout(removal)
        removeQuietly()
        database.close()
      })()
      return closing
    },
  }
}

function open(path: string): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // Made before SQLite does, so that it is never readable by others; SQLite gives the log the mode of its database.
    closeSync(openSync(path, 'a', 0o600))
    chmodSync(path, 0o600)
    database = new DatabaseSync(path)
    // An exclusive lock: two processes on one journal would ship everything twice.
    database.exec('PRAGMA locking_mode = EXCLUSIVE')
    database.exec('PRAGMA journal_mode = WAL')
    database.exec('PRAGMA synchronous = FULL')
    database.exec(TABLES)
    return database
  } catch (cause) {
    database?.close()
    throw unwritable(cause)
  }
}

/** What was set aside before is offered once more: the registry may know better by now. */
const TABLES = `
CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY AUTOINCREMENT, bytes INTEGER NOT NULL, json TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS set_aside
  (seq INTEGER PRIMARY KEY, bytes INTEGER NOT NULL, json TEXT NOT NULL, at TEXT NOT NULL, reason TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS probe (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
BEGIN IMMEDIATE;
INSERT INTO event (seq, bytes, json) SELECT seq, bytes, json FROM set_aside;
DELETE FROM set_aside;
COMMIT;
`

function prepare(database: DatabaseSync) {
  return {
    insert: database.prepare('INSERT INTO event (bytes, json) VALUES (?, ?)'),
    oldest: database.prepare('SELECT seq, bytes, json FROM event WHERE seq > ? ORDER BY seq LIMIT ?'),
    remove: database.prepare('DELETE FROM event WHERE seq BETWEEN ? AND ?'),
    setAside: database.prepare(
      'INSERT INTO set_aside (seq, bytes, json, at, reason) SELECT seq, bytes, json, ?, ? FROM event WHERE seq = ?',
    ),
    probe: database.prepare('INSERT OR REPLACE INTO probe (id, text) VALUES (1, ?)'),
    latest: database.prepare('SELECT coalesce(max(seq), 0) AS value FROM event'),
    /** Bytes; what is set aside takes room too. */
    stored: database.prepare('SELECT coalesce(sum(bytes), 0) AS value FROM event'),
    waiting: database.prepare('SELECT count(*) AS value FROM event WHERE seq > ?'),
    aside: database.prepare('SELECT count(*) AS value FROM set_aside'),
  }
}

function numberOf(row: Record<string, unknown> | undefined): number {
  return Number(row?.['value'] ?? 0)
}

function eventOf(json: string, own: boolean): AuditEvent | undefined {
  try {
    const event: unknown = JSON.parse(json)
    return own ? (event as AuditEvent) : AuditEvent.parse(event)
  } catch {
    return undefined
  }
}

/** All of it or nothing. @throws what SQLite says */
function transaction(database: DatabaseSync, work: () => void): void {
  try {
    database.exec('BEGIN IMMEDIATE')
    work()
    database.exec('COMMIT')
  } catch (cause) {
    rollback(database)
    throw cause
  }
}

function rollback(database: DatabaseSync): void {
  try {
    if (database.isTransaction) database.exec('ROLLBACK')
  } catch {
    // SQLite has rolled back by itself, which some disk errors make it do.
  }
}

function closed(): JournalError {
  return new JournalError('journal_closed', 'the audit journal is closed')
}

function full(): JournalError {
  return new JournalError('journal_full', 'the audit journal is full: the registry has not taken its events')
}

function unwritable(cause: unknown): JournalError {
  const detail = cause instanceof Error ? cause.message : 'unknown error'
  return new JournalError('journal_unwritable', `the audit journal cannot be written: ${detail}`, { cause })
}
