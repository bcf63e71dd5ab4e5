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
const PARCEL_EVENTS = 200
const PARCEL_BYTES = 512 * 1024

/**
 * The local journal of audit events: SQLite with a write-ahead log, synced before `record` resolves. All events that arrive in one turn of
 * the event loop share one transaction, so a busy server pays for one sync and not for many. Events are kept until shipped.
 * @throws JournalError `journal_unwritable` when the file cannot be opened, is damaged, or belongs to another running process
 */
export function createJournal(options: JournalOptions): Journal {
  const { path, ship, log, maxBytes = DEFAULT_MAX_BYTES, closeGraceMs = DEFAULT_CLOSE_GRACE_MS } = options
  const database = open(path)
  const insert = database.prepare('INSERT INTO event (bytes, json) VALUES (?, ?)')
  const oldest = database.prepare('SELECT seq, bytes, json FROM event ORDER BY seq LIMIT ?')
  const remove = database.prepare('DELETE FROM event WHERE seq <= ?')

  /** Bytes in the file and waiting for it. */
  let held = storedBytes(database)
  let waiting: Waiting[] = []
  let closing: Promise<void> | undefined

  const courier = startCourier({ next: parcel, ship, log })

  function flush(): void {
    const batch = waiting
    waiting = []
    if (batch.length === 0) return
    try {
      database.exec('BEGIN IMMEDIATE')
      for (const { bytes, json } of batch) insert.run(bytes, json)
      database.exec('COMMIT')
    } catch (cause) {
      rollback(database)
      for (const entry of batch) {
        held -= entry.bytes
        entry.reject(unwritable(cause))
      }
      return
    }
    for (const entry of batch) entry.resolve()
    courier.wake()
  }

  function parcel(): Parcel | undefined {
    const events: AuditEvent[] = []
    let last = 0
    let bytes = 0
    for (const row of oldest.all(PARCEL_EVENTS)) {
      const size = Number(row['bytes'])
      if (events.length > 0 && bytes + size > PARCEL_BYTES) break
      events.push(AuditEvent.parse(JSON.parse(String(row['json']))))
      last = Number(row['seq'])
      bytes += size
    }
    if (events.length === 0) return undefined
    return {
      events,
      acknowledge() {
        remove.run(last)
        held -= bytes
      },
    }
  }

  return {
    async record(event) {
      if (closing) throw new JournalError('journal_closed', 'the audit journal is closed')
      const json = JSON.stringify(event)
      const bytes = Buffer.byteLength(json)
      if (held + bytes > maxBytes) {
        throw new JournalError('journal_full', 'the audit journal is full: the registry has not taken its events')
      }
      held += bytes
      if (waiting.length === 0) setImmediate(flush)
      return new Promise((resolve, reject) => waiting.push({ json, bytes, resolve, reject }))
    },
    close() {
      closing ??= (async () => {
        flush()
        await courier.stop(closeGraceMs)
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
    database.exec(
      'CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY AUTOINCREMENT, bytes INTEGER NOT NULL, json TEXT NOT NULL) STRICT',
    )
    return database
  } catch (cause) {
    database?.close()
    throw unwritable(cause)
  }
}

function storedBytes(database: DatabaseSync): number {
  return Number(database.prepare('SELECT coalesce(sum(bytes), 0) AS bytes FROM event').get()?.['bytes'])
}

function rollback(database: DatabaseSync): void {
  try {
    if (database.isTransaction) database.exec('ROLLBACK')
  } catch {
    // SQLite has rolled back by itself, which some disk errors make it do.
  }
}

function unwritable(cause: unknown): JournalError {
  const detail = cause instanceof Error ? cause.message : 'unknown error'
  return new JournalError('journal_unwritable', `the audit journal cannot be written: ${detail}`, { cause })
}
