import { ServerRecord } from '@gatehouse/contracts'
import { HttpProblem, type Logger } from '@gatehouse/kit'
import { type Kysely, type Transaction, sql } from 'kysely'
import type { RegistryTables } from '../database/tables.ts'
import type { StoredServer } from './stored-server.ts'

/** The newest version of every server. A row that does not fit `ServerRecord` is left out: an unreadable record lists nothing. */
export class ServerStore {
  readonly #cache = new Map<string, { revision: string; server: StoredServer | undefined }>()

  constructor(
    private readonly database: Kysely<RegistryTables>,
    private readonly log: Logger,
  ) {}

  /** Ordered by id. Rows are parsed again only when their revision changed, so the same record is the same object. */
  async all(): Promise<readonly StoredServer[]> {
    const revisions = await this.database.selectFrom('servers').select(['id', 'revision']).execute()
    const stale = revisions.filter(({ id, revision }) => this.#cache.get(id)?.revision !== revision).map(({ id }) => id)
    if (stale.length > 0) {
      const rows = await this.database.selectFrom('servers').selectAll().where('id', 'in', stale).execute()
      for (const row of rows) this.#cache.set(row.id, { revision: row.revision, server: this.#read(row) })
    }
    const present = new Set(revisions.map(({ id }) => id))
    for (const id of this.#cache.keys()) if (!present.has(id)) this.#cache.delete(id)
    const servers = [...this.#cache.values()].flatMap(({ server }) => server ?? [])
    return servers.sort((a, b) => (a.record.id < b.record.id ? -1 : 1))
  }

  async find(id: string): Promise<StoredServer | undefined> {
    const row = await this.database.selectFrom('servers').selectAll().where('id', '=', id).executeTakeFirst()
    return row && this.#read(row)
  }

  /**
   * Lists a record as the newest version of its server. A standing suspension stays: only `reinstate` lifts it.
   * @throws HttpProblem 409 `name_taken` when another server has the name
   */
  async put(record: ServerRecord, now: Date): Promise<StoredServer> {
    return this.database.transaction().execute(async (transaction) => {
      const holder = await transaction
        .selectFrom('servers')
        .select('id')
        .where('name', '=', record.name)
        .where('id', '!=', record.id)
        .executeTakeFirst()
      if (holder) throw new HttpProblem(409, 'name_taken', `the name ${record.name} belongs to the server ${holder.id}`)
      const before = await transaction
        .selectFrom('servers')
        .select('suspension')
        .where('id', '=', record.id)
        .forUpdate()
        .executeTakeFirst()
      const suspension = before?.suspension ?? (record.status === 'suspended' ? 'listed as suspended' : null)
      const stored: StoredServer = {
        record: suspension === null ? record : { ...record, status: 'suspended' },
        suspension: suspension ?? undefined,
      }
      await write(transaction, stored, now)
      return stored
    })
  }

  /** Changes what `change` says of one server, in the transaction of the caller. @returns undefined when there is no such server */
  async change(
    transaction: Transaction<RegistryTables>,
    id: string,
    now: Date,
    change: (server: StoredServer) => StoredServer,
  ): Promise<StoredServer | undefined> {
    const row = await transaction.selectFrom('servers').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
    const server = row && this.#read(row)
    if (!server) return undefined
    const changed = change(server)
    await write(transaction, changed, now)
    return changed
  }

  #read(row: { id: string; record: unknown; suspension: string | null }): StoredServer | undefined {
    const parsed = ServerRecord.safeParse(row.record)
    if (parsed.success) return { record: parsed.data, suspension: row.suspension ?? undefined }
    this.log.error('a stored record does not fit the contract; it is not listed', {
      code: 'record_invalid',
      server: row.id,
      problem: parsed.error.issues[0]?.path.join('.'),
    })
    return undefined
  }
}

async function write(transaction: Transaction<RegistryTables>, server: StoredServer, now: Date): Promise<void> {
  const { record } = server
  const json = JSON.stringify(record)
  const current = {
    name: record.name,
    version: record.version,
    revision: sql<string>`nextval('revisions')`,
    record: json,
    suspension: server.suspension ?? null,
    updated_at: now,
  }
  await transaction
    .insertInto('servers')
    .values({ id: record.id, ...current })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(current))
    .execute()
  await transaction
    .insertInto('server_versions')
    .values({ server_id: record.id, version: record.version, record: json, published_at: now, updated_at: now })
    .onConflict((conflict) => conflict.columns(['server_id', 'version']).doUpdateSet({ record: json, updated_at: now }))
    .execute()
}
