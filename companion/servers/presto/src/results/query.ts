import { randomBytes } from 'node:crypto'
import type { Json } from '@gatehouse/contracts'
import { ToolError } from '@gatehouse/kit'
import type { Backend, Column } from '../backend/backend.ts'
import { toolErrorOf } from '../backend/duckdb-error.ts'

export interface QueryLimits {
  readonly rows: number
  /** Bytes of JSON kept for one result. */
  readonly bytes: number
  readonly milliseconds: number
}

export type QueryState = 'running' | 'finished' | 'failed' | 'cancelled'
export type LimitHit = 'rows' | 'bytes' | 'time'

/** One running or finished query and the rows that came of it. */
export class Query {
  /** 128 random bits: knowing it is not enough, it must be asked for by the same person. */
  readonly id = `q_${randomBytes(16).toString('hex')}`
  readonly subject: string
  readonly startedAt: number
  readonly rows: (readonly Json[])[] = []
  columns: readonly Column[] = []
  state: QueryState = 'running'
  /** Set when the engine had more rows than were kept, or was not done in time. */
  limitHit: LimitHit | undefined
  error: ToolError | undefined
  /** Between 0 and 1, where the engine can tell. */
  done: number | undefined
  endedAt: number | undefined
  bytes = 0
  /** Settles when the query has ended, however it ended. */
  readonly ended: Promise<void>
  readonly #stop = new AbortController()

  constructor(subject: string, sql: string, backend: Backend, limits: QueryLimits, now: () => number) {
    this.subject = subject
    this.startedAt = now()
    const timer = setTimeout(() => {
      this.limitHit = 'time'
      this.#stop.abort()
    }, limits.milliseconds)
    this.ended = this.#run(sql, backend, limits)
      .catch((error: unknown) => this.#fail(error, limits))
      .finally(() => {
        clearTimeout(timer)
        this.endedAt = now()
      })
  }

  /** Interrupts the engine; what was read until then can still be fetched. */
  cancel(): void {
    if (this.state === 'running') this.#stop.abort()
  }

  async #run(sql: string, backend: Backend, limits: QueryLimits): Promise<void> {
    const stream = await backend.query(sql, this.#stop.signal, (done) => {
      this.done = done
    })
    this.columns = stream.columns
    for await (const batch of stream.batches) {
      for (const row of batch) {
        if (this.rows.length >= limits.rows) return this.#full('rows')
        const size = JSON.stringify(row).length
        if (this.bytes + size > limits.bytes) return this.#full('bytes')
        this.bytes += size
        this.rows.push(row)
      }
    }
    this.state = 'finished'
  }

  #full(limit: LimitHit): void {
    this.limitHit = limit
    this.state = 'finished'
  }

  #fail(error: unknown, limits: QueryLimits): void {
    if (this.limitHit === 'time') {
      this.state = 'failed'
      this.error = new ToolError(
        'time_limit',
        `the query was stopped after ${limits.milliseconds / 1000} s`,
        'Filter or aggregate more, and look at explain_query.',
      )
    } else if (this.#stop.signal.aborted) {
      this.state = 'cancelled'
      this.error = new ToolError('query_cancelled', 'the query was cancelled', 'Run it again if it is still needed.')
    } else {
      this.state = 'failed'
      this.error = toolErrorOf(error)
    }
  }
}
