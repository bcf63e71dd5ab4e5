import { ServerRecord } from '@gatehouse/contracts'
import { type Kysely, sql } from 'kysely'
import type { RegistryTables } from '../database/tables.ts'
import type { StoredVersion } from './stored-server.ts'

export interface VersionFilter {
  readonly name?: string | undefined
  /** `latest`, or one version exactly. */
  readonly version?: string | undefined
  /** Substring of name, title or description, whatever the case. */
  readonly search?: string | undefined
  readonly updatedSince?: Date | undefined
}

/** Where a page ended. */
export interface Position {
  readonly name: string
  readonly version: string
}

export interface VersionPage {
  /** Rows that do not fit `ServerRecord` are left out. */
  readonly items: readonly StoredVersion[]
  /** Absent on the last page. */
  readonly next?: Position
}

/** Every version of every server, for the `/v0.1` API, in order of name and version. */
export class VersionStore {
  constructor(private readonly database: Kysely<RegistryTables>) {}

  async page(filter: VersionFilter, after: Position | undefined, limit: number): Promise<VersionPage> {
    let query = this.#select().orderBy(NAME).orderBy('server_versions.version').limit(limit)
    if (after) {
      query = query.where(sql<boolean>`(${NAME}, server_versions.version) > (${after.name}, ${after.version})`)
    }
    if (filter.name !== undefined) query = query.where('servers.name', '=', filter.name)
    if (filter.version === 'latest') query = query.whereRef('server_versions.version', '=', 'servers.version')
    else if (filter.version !== undefined) query = query.where('server_versions.version', '=', filter.version)
    if (filter.updatedSince) query = query.where('server_versions.updated_at', '>', filter.updatedSince)
    if (filter.search !== undefined) {
      const pattern = `%${filter.search.replace(/[\\%_]/g, '\\$&')}%`
      const record = sql.ref('server_versions.record')
      query = query.where(
        sql<boolean>`(servers.name ilike ${pattern} or ${record} ->> 'title' ilike ${pattern} or ${record} ->> 'description' ilike ${pattern})`,
      )
    }
    const rows = await query.execute()
    const items = rows.flatMap((row) => {
      const parsed = ServerRecord.safeParse(row.record)
      const { published_at: publishedAt, updated_at: updatedAt } = row
      return parsed.success
        ? [{ record: parsed.data, publishedAt, updatedAt, isLatest: row.version === row.latest }]
        : []
    })
    const last = rows.length < limit ? undefined : rows.at(-1)
    return { items, ...(last && { next: { name: last.name, version: last.version } }) }
  }

  #select() {
    return this.database
      .selectFrom('server_versions')
      .innerJoin('servers', 'servers.id', 'server_versions.server_id')
      .select([
        'servers.name',
        'server_versions.version',
        'server_versions.record',
        'server_versions.published_at',
        'server_versions.updated_at',
        'servers.version as latest',
      ])
  }
}

/** The C collation: one order on every machine, and the order that a cursor compares by. */
const NAME = sql<string>`servers.name collate "C"`
