import type { Logger } from '../http/log.ts'
import { changedLists, type ListKind } from './changes.ts'
import { createRecordSource, type Expected, RegistryError, type SignedRecord } from './fetch-record.ts'
import { RecordError, type RecordReason } from './record-error.ts'

export interface GateOptions extends Expected {
  /** Origin of the registry, which signs as `iss`. */
  readonly registry: string
  readonly log: Logger
  readonly fetch?: typeof fetch
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

type GateState =
  | { readonly kind: 'serving'; readonly expiresAt: number }
  | { readonly kind: 'refusing'; readonly reason: RecordReason }

/** Whether this server may serve at all: only while it holds a valid record of itself. */
export interface RecordGate {
  /** @throws RecordError */
  current(): SignedRecord
  state(): GateState
  /** Called when a renewed record says something else of who may see what. */
  onChange(listener: (list: ListKind) => void): void
  /** Resolves after the first attempt, whatever came of it. */
  start(): Promise<void>
  stop(): void
}

/** Between attempts while there is no record, milliseconds. */
const FIRST_RETRY = 500
const LONGEST_RETRY = 5_000

export function createRecordGate(options: GateOptions): RecordGate {
  const { log, now = Date.now } = options
  const load = createRecordSource(options.registry, options.fetch ?? fetch)
  const listeners: ((list: ListKind) => void)[] = []
  let held: SignedRecord | undefined
  /** The last one that was held: lists are compared with it, also after a time without a record. */
  let known: SignedRecord | undefined
  let reason: RecordReason = 'record_missing'
  let retry = FIRST_RETRY
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  function current(): SignedRecord {
    if (!held) throw new RecordError(reason)
    if (held.expiresAt <= now()) throw new RecordError('record_expired')
    return held
  }

  async function renew(): Promise<void> {
    try {
      const next = await load(options, now())
      if (!held) log.info('serving under a signed record', { code: 'record_held' })
      const before = known
      held = next
      known = next
      if (before) for (const list of changedLists(before.record, next.record)) listeners.forEach((tell) => tell(list))
      retry = FIRST_RETRY
      schedule(Math.max(200, (next.expiresAt - next.issuedAt) / 3))
    } catch (error) {
      refuse(error)
      schedule(retry)
      retry = Math.min(retry * 2, LONGEST_RETRY)
    }
  }

  /** A registry that says no is obeyed at once; one that says nothing leaves what is held until it expires, and not a moment longer. */
  function refuse(error: unknown): void {
    const answer = error instanceof RecordError ? error.reason : undefined
    if (answer && (held || answer !== reason)) log.warn(new RecordError(answer).message, { code: answer })
    else if (!answer && retry === FIRST_RETRY) {
      log.warn('the record could not be renewed', {
        code: error instanceof RegistryError ? error.code : 'internal',
        error,
      })
    }
    if (!answer) return
    held = undefined
    reason = answer
  }

  function schedule(delay: number): void {
    if (stopped) return
    timer = setTimeout(() => void renew(), delay)
    timer.unref()
  }

  return {
    current,
    state() {
      try {
        return { kind: 'serving', expiresAt: current().expiresAt }
      } catch (error) {
        return { kind: 'refusing', reason: error instanceof RecordError ? error.reason : 'record_missing' }
      }
    },
    onChange: (listener) => void listeners.push(listener),
    start: renew,
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
