import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { GatehouseError } from '@gatehouse/contracts'
import type { Kysely } from 'kysely'
import { createLedger, type Ledger } from '../approvals/ledger.ts'
import type { LedgerTables } from '../approvals/ledger-tables.ts'
import { startOutbox } from '../approvals/outbox.ts'
import type { Ship } from '../audit/courier.ts'
import { createJournal, type Journal } from '../audit/journal.ts'
import { createShipper } from '../audit/shipper.ts'
import type { Logger } from '../http/log.ts'
import { openDatabase } from '../postgres/database.ts'
import type { ServerConfig } from './config.ts'
import type { ToolTable } from './tool-table.ts'

export interface Storage {
  readonly journal: Journal
  readonly ledger: Ledger | undefined
  /** Audit events that the registry will not take. */
  readonly setAside: () => number
  close(): Promise<void>
}

/** How long the audit of writes may still be shipped at the end, milliseconds; what is left stays in the ledger. */
const GRACE = 2_000

/** Where a server keeps what it must not forget: the journal of its audit and, if its tools may change anything, the ledger of approvals. */
export async function openStorage(id: string, table: ToolTable, config: ServerConfig, log: Logger): Promise<Storage> {
  await mkdir(config.data, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw new GatehouseError('data_unusable', `the data folder ${config.data} cannot be made`, { cause })
  })
  const ship = createShipper({ registry: config.registry, token: config.intakeToken })
  const database = needsLedger(table) ? await openLedger(id, config, ship, log) : undefined
  try {
    const journal = createJournal({ path: join(config.data, 'audit.sqlite'), ship, log })
    return {
      journal,
      ledger: database?.ledger,
      setAside: () => journal.setAside() + (database?.setAside() ?? 0),
      async close() {
        await journal.close()
        await database?.close()
      },
    }
  } catch (error) {
    await database?.close()
    throw error
  }
}

function needsLedger(table: ToolTable): boolean {
  return [...table.tools.values()].some(
    ({ definition: { options } }) => options.effect !== 'read' || options.effectOf !== undefined,
  )
}

async function openLedger(
  id: string,
  config: ServerConfig,
  ship: Ship,
  log: Logger,
): Promise<{ ledger: Ledger; readonly setAside: () => number; close(): Promise<void> }> {
  if (!config.databaseUrl) {
    throw new GatehouseError(
      'database_required',
      'DATABASE_URL is needed: a tool of this server writes or may be expensive',
    )
  }
  const schema = id.replaceAll('-', '_')
  const db: Kysely<LedgerTables> = openDatabase<LedgerTables>(config.databaseUrl, { schema })
  try {
    const ledger = createLedger(db, { schema })
    await ledger.migrate()
    await ledger.offerAgain()
    const outbox = startOutbox({ ledger, ship, log })
    return {
      ledger,
      setAside: outbox.setAside,
      async close() {
        await outbox.stop(GRACE)
        await db.destroy()
      },
    }
  } catch (error) {
    await db.destroy()
    throw error
  }
}
