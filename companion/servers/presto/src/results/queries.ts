import { ToolError } from '@gatehouse/kit'
import type { Backend } from '../backend/backend.ts'
import { Query, type QueryLimits } from './query.ts'

export interface QueriesOptions {
  readonly backend: Backend
  readonly limits: QueryLimits
  /** Kept for one person; the oldest finished one goes first. Default 20. */
  readonly perSubject?: number
  /** Bytes of rows kept for everybody. Default 256 MB. */
  readonly bytes?: number
  /** How long a finished result can be fetched, milliseconds. Default 30 minutes. */
  readonly age?: number
  readonly now?: () => number
}

/** The queries of this process, each only for the person who started it. */
export class Queries {
  readonly #queries = new Map<string, Query>()
  readonly #backend: Backend
  readonly #limits: QueryLimits
  readonly #perSubject: number
  readonly #bytes: number
  readonly #age: number
  readonly #now: () => number

  constructor({
    backend,
    limits,
    perSubject = 20,
    bytes = 256 * 1024 * 1024,
    age = 30 * 60_000,
    now = Date.now,
  }: QueriesOptions) {
    this.#backend = backend
    this.#limits = limits
    this.#perSubject = perSubject
    this.#bytes = bytes
    this.#age = age
    this.#now = now
  }

  /** @throws ToolError `too_many_queries` when the person has as many running as are kept */
  start(subject: string, sql: string): Query {
    this.#tidy()
    const own = [...this.#queries.values()].filter((query) => query.subject === subject)
    if (own.length >= this.#perSubject) {
      const oldest = own.find((query) => query.state !== 'running')
      if (!oldest)
        throw new ToolError(
          'too_many_queries',
          `${own.length} of your queries are still running`,
          'Wait for one, or stop one with cancel_query.',
        )
      this.#queries.delete(oldest.id)
    }
    const query = new Query(subject, sql, this.#backend, this.#limits, this.#now)
    this.#queries.set(query.id, query)
    return query
  }

  /** Of somebody else's query it says the same as of one that does not exist. @throws ToolError `query_unknown` */
  find(subject: string, id: string): Query {
    this.#tidy()
    const query = this.#queries.get(id)
    if (query?.subject === subject) return query
    throw new ToolError(
      'query_unknown',
      'there is no such query of yours, or its rows are no longer kept',
      'Run the query again with run_query.',
    )
  }

  async close(): Promise<void> {
    const running = [...this.#queries.values()]
    for (const query of running) query.cancel()
    await Promise.all(running.map((query) => query.ended))
    this.#queries.clear()
  }

  #tidy(): void {
    let total = 0
    for (const query of this.#queries.values()) {
      if (query.endedAt !== undefined && this.#now() - query.endedAt > this.#age) this.#queries.delete(query.id)
      else total += query.bytes
    }
    for (const query of this.#queries.values()) {
      if (total <= this.#bytes) return
      if (query.state === 'running') continue
      this.#queries.delete(query.id)
      total -= query.bytes
    }
  }
}
