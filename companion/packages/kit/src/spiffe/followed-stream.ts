import { type ClientReadableStream, type ServiceError, status } from '@grpc/grpc-js'
import type { Logger } from '../http/log.ts'

/** Milliseconds: the first wait before a stream is opened again, and the longest. */
const FIRST_WAIT = 250
const LONGEST_WAIT = 10_000
/** Milliseconds for the first message, which is due at once (SPIFFE Workload API section 4.3). */
const PATIENCE = 10_000

export interface FollowedStream {
  /** Asks anew for all that there is. */
  renew(): void
  close(): void
}

export interface FollowOptions {
  /** For the log. */
  readonly name: string
  readonly open: () => ClientReadableStream<Buffer>
  /** May throw at a message that is no good, which is then passed over. */
  readonly onMessage: (message: Buffer) => void
  /** There is nothing here for this process, or no longer. */
  readonly onDenied: () => void
  /** It will not be opened again: asking was a mistake (SPIFFE Workload Endpoint section 6). */
  readonly onStopped: (error: ServiceError) => void
  readonly log: Logger
  /** Milliseconds for the first message of each stream. */
  readonly patience?: number
}

/** One of the Workload API's streams, opened again whenever it ends, after a while that grows and is never the same for two. */
export function followStream(options: FollowOptions): FollowedStream {
  const { name, open, onMessage, onDenied, onStopped, log, patience = PATIENCE } = options
  let stream: ClientReadableStream<Buffer> | undefined
  let timer: NodeJS.Timeout | undefined
  let failures = 0
  let closed = false

  function start(): void {
    clearTimeout(timer)
    const current = open()
    stream = current
    timer = setTimeout(() => current.cancel(), patience)
    current.on('data', (message: Buffer) => {
      if (stream !== current) return
      clearTimeout(timer)
      try {
        onMessage(message)
        failures = 0
      } catch (error) {
        log.error('a message of the Workload API is no good and is passed over', { stream: name, error })
      }
    })
    current.on('error', (error: ServiceError) => {
      if (stream === current) end(error)
    })
    current.on('end', () => {
      if (stream === current) end()
    })
  }

  function end(error?: ServiceError): void {
    stream = undefined
    clearTimeout(timer)
    if (closed) return
    if (error?.code === status.PERMISSION_DENIED) onDenied()
    if (error?.code === status.INVALID_ARGUMENT || error?.code === status.UNIMPLEMENTED) {
      log.error('the Workload API refuses to be asked', { stream: name, status: status[error.code] })
      return onStopped(error)
    }
    const wait = Math.min(FIRST_WAIT * 2 ** failures, LONGEST_WAIT) * (0.5 + Math.random() / 2)
    failures++
    log.warn('a stream of the Workload API ended and is opened again', {
      stream: name,
      status: error && status[error.code],
      waitMs: Math.round(wait),
    })
    timer = setTimeout(start, wait)
  }

  start()
  return {
    renew() {
      if (closed || !stream) return
      const old = stream
      start()
      old.cancel()
    },
    close() {
      closed = true
      clearTimeout(timer)
      stream?.cancel()
    },
  }
}
