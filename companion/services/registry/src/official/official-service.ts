import type { ServerRecord, UserCaller } from '@gatehouse/contracts'
import { HttpProblem } from '@gatehouse/kit'
import type { Decisions } from '../decisions/decisions.ts'
import { usableRecord, withoutOffers } from '../lists/listing.ts'
import type { StoredVersion } from '../servers/stored-server.ts'
import type { ServerStore } from '../servers/server-store.ts'
import type { Position, VersionFilter, VersionStore } from '../servers/version-store.ts'
import { encodeCursor } from './cursor.ts'
import type { ListQuery } from './query.ts'
import { isText } from './query.ts'
import { isDeleted, serverResponse } from './server-json.ts'

export type ServerResponse = ReturnType<typeof serverResponse>

export interface ServerList {
  readonly servers: readonly ServerResponse[]
  readonly metadata: { readonly count: number; readonly nextCursor?: string }
}

/** Rows read at a time while looking for what the reader may see. */
const BATCH = 200

/**
 * The official registry's read API, 2025-12-01. Without a caller it shows records marked public, with none of their tools; with one,
 * what that caller may use. What a reader may not see is not found.
 */
export class OfficialService {
  constructor(
    private readonly servers: ServerStore,
    private readonly versions: VersionStore,
    private readonly decisions: Decisions,
  ) {}

  async list(query: ListQuery, caller: UserCaller | undefined): Promise<ServerList> {
    // One more than the page tells whether there is a next one.
    const found = await this.#collect(query.filter, query.after, query.limit + 1, query.includeDeleted, caller)
    const page = found.slice(0, query.limit)
    const last = page.at(-1)
    const more = found.length > query.limit && last !== undefined
    return {
      servers: page,
      metadata: {
        count: page.length,
        ...(more && { nextCursor: encodeCursor({ name: last.server.name, version: last.server.version }) }),
      },
    }
  }

  /** Newest first. @throws HttpProblem 404 `server_not_found` */
  async versionsOf(name: string, includeDeleted: boolean, caller: UserCaller | undefined): Promise<ServerList> {
    const servers = isText(name) ? await this.#collect({ name }, undefined, Infinity, includeDeleted, caller) : []
    if (servers.length === 0) throw new HttpProblem(404, 'server_not_found', 'no such server')
    const published = (item: ServerResponse) => item._meta['io.modelcontextprotocol.registry/official'].publishedAt
    const sorted = servers.sort((a, b) => published(b).localeCompare(published(a)))
    return { servers: sorted, metadata: { count: sorted.length } }
  }

  /** @param version `latest`, or one exactly. @throws HttpProblem 404 `server_not_found` */
  async version(
    name: string,
    version: string,
    includeDeleted: boolean,
    caller: UserCaller | undefined,
  ): Promise<ServerResponse> {
    const readable = isText(name) && isText(version)
    const [found] = readable ? await this.#collect({ name, version }, undefined, 1, includeDeleted, caller) : []
    if (!found) throw new HttpProblem(404, 'server_not_found', 'no such server or version')
    return found
  }

  async #collect(
    filter: VersionFilter,
    after: Position | undefined,
    limit: number,
    includeDeleted: boolean,
    caller: UserCaller | undefined,
  ): Promise<ServerResponse[]> {
    const current = new Map((await this.servers.all()).map(({ record }) => [record.id, record]))
    const found: ServerResponse[] = []
    for (let position = after; ; ) {
      const rows = await this.versions.page(filter, position, BATCH)
      for (const row of rows.items) {
        const shown = this.#shown(row, current.get(row.record.id), includeDeleted, caller)
        if (shown) found.push(serverResponse(row, shown))
        if (found.length >= limit) return found
      }
      if (!rows.next) return found
      position = rows.next
    }
  }

  /** A version is open to those to whom the server's newest one is; an old version is not callable by itself. */
  #shown(
    row: StoredVersion,
    current: ServerRecord | undefined,
    includeDeleted: boolean,
    caller: UserCaller | undefined,
  ): ServerRecord | undefined {
    if (!current) return undefined
    const deleted = isDeleted(current)
    if (deleted && !includeDeleted) return undefined
    const shown: ServerRecord = { ...row.record, status: current.status }
    if (!caller) return current.public ? withoutOffers(shown) : undefined
    // Who could use it before it was taken down may learn that it was; nobody gets its tools.
    const asListed = (record: ServerRecord): ServerRecord => ({ ...record, status: 'listed' })
    if (!usableRecord(caller, asListed(current), this.decisions)) return undefined
    if (deleted) return withoutOffers(shown)
    return usableRecord(caller, asListed(shown), this.decisions)
  }
}
