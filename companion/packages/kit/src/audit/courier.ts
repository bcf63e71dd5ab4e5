import type { AuditEvent } from '@gatehouse/contracts'
import type { Logger } from '../http/log.ts'
import { ShipError } from './ship-error.ts'

/** Delivers events; resolves when the other side has acknowledged all of them. Delivering one twice is harmless (its id is unique). */
export type Ship = (events: AuditEvent[]) => Promise<void>

export interface Parcel {
  readonly events: AuditEvent[]
  /** Called after the delivery was acknowledged. */
  acknowledge(): void | Promise<void>
  /** Called when this parcel, of one event, will never be taken: keeps it out of the way of the others, and keeps it. */
  setAside(reason: string): void | Promise<void>
}

export interface CourierOptions {
  /** The oldest events that still have to go, `most` of them at most, or undefined when there are none. */
  readonly next: (most: number) => Parcel | undefined | Promise<Parcel | undefined>
  readonly ship: Ship
  readonly log: Logger
  /** How long it waits once woken, milliseconds, so that what comes close together goes together. Default 0. */
  readonly lingerMs?: number
  /** Also looks by itself this often, for events that somebody else has left. Default: only when woken. */
  readonly pollMs?: number
}

export interface Courier {
  /** Something is there to be shipped. */
  wake(): void
  /** Events set aside since the start. */
  readonly setAside: () => number
  /** Lets a running delivery end, makes one more attempt for at most `graceMs`, and stops. What remains stays where it is. */
  stop(graceMs: number): Promise<void>
}

const PARCEL_EVENTS = 200
const FIRST_BACKOFF_MS = 250
const LONGEST_BACKOFF_MS = 30_000
/** Failed attempts from one warning in the log to the next, about ten minutes. */
const REMIND_EVERY = 20

/**
 * Ships in the background, one parcel at a time, oldest first; a failure is tried again with growing pauses, for ever. But for a parcel that
 * the registry calls invalid: it is halved until the event is found that spoils it, which is set aside, so that the others can go.
 */
export function startCourier({ next, ship, log, lingerMs = 0, pollMs }: CourierOptions): Courier {
  const stopped = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let round: Promise<void> | undefined
  let woken = false
  let failures = 0
  let asideCount = 0
  /** Events in the next parcel at most. */
  let most = PARCEL_EVENTS

  /** Ships until nothing is left. */
  async function deliver(): Promise<void> {
    for (let parcel = await next(most); parcel; parcel = await next(most)) {
      if (await invalid(parcel)) continue
      await parcel.acknowledge()
      most = Math.min(PARCEL_EVENTS, most * 2)
      if (failures > 0) log.info('audit events are shipped again', { code: 'audit_shipping_resumed' })
      failures = 0
    }
    failures = 0
  }

  /** Tries to ship it. True: it will never be taken as it is. */
  async function invalid(parcel: Parcel): Promise<boolean> {
    try {
      await ship(parcel.events)
      return false
    } catch (cause) {
      if (!(cause instanceof ShipError) || cause.code !== 'audit_invalid') throw cause
      if (parcel.events.length > 1) {
        most = Math.floor(parcel.events.length / 2)
        return true
      }
      await parcel.setAside(cause.message)
      asideCount++
      const [event] = parcel.events
      log.error('the registry will not take an audit event; it is kept here, set aside', {
        code: 'audit_set_aside',
        event: event?.id,
        cause,
      })
      return true
    }
  }

  function start(): void {
    if (round || stopped.signal.aborted) return
    clearTimeout(timer)
    timer = undefined
    woken = false
    round = deliver()
      .then(
        () => pollMs,
        (cause: unknown) => {
          failures++
          if (failures % REMIND_EVERY === 1)
            log.warn('audit events wait here until the registry takes them', { code: 'audit_not_shipped', cause })
          return backoff(failures)
        },
      )
      .then((pause) => {
        round = undefined
        if (stopped.signal.aborted) return
        if (woken && failures === 0) return soon()
        if (pause !== undefined) timer = setTimeout(start, pause).unref()
      })
  }

  /** A delivery that is under way, or a pause after a failure, comes first. */
  function soon(): void {
    if (round || stopped.signal.aborted) return
    if (lingerMs === 0) return start()
    clearTimeout(timer)
    timer = setTimeout(start, lingerMs).unref()
  }

  const courier: Courier = {
    setAside: () => asideCount,
    wake() {
      if (woken) return
      woken = true
      // While deliveries fail, the timer of the backoff decides, not the next event.
      if (failures === 0) soon()
    },
    async stop(graceMs) {
      if (stopped.signal.aborted) return
      stopped.abort()
      clearTimeout(timer)
      const last = (round ?? Promise.resolve()).then(deliver).catch(() => {})
      let grace: NodeJS.Timeout | undefined
      await Promise.race([last, new Promise((resolve) => (grace = setTimeout(resolve, graceMs)))])
      clearTimeout(grace)
    },
  }
  start()
  return courier
}

function backoff(failures: number): number {
  const ceiling = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failures - 1))
  return ceiling / 2 + (Math.random() * ceiling) / 2
}
