import type { AuditEvent } from '@gatehouse/contracts'
import type { Logger } from '../http/log.ts'

/** Delivers events; resolves when the other side has acknowledged all of them. Delivering one twice is harmless (its id is unique). */
export type Ship = (events: AuditEvent[]) => Promise<void>

export interface Parcel {
  readonly events: AuditEvent[]
  /** Called after the delivery was acknowledged. */
  acknowledge(): void | Promise<void>
}

export interface CourierOptions {
  /** The oldest events that still have to go, or undefined when there are none. */
  readonly next: () => Parcel | undefined | Promise<Parcel | undefined>
  readonly ship: Ship
  readonly log: Logger
  /** Also looks by itself this often, for events that somebody else has left. Default: only when woken. */
  readonly pollMs?: number
}

export interface Courier {
  /** Something is there to be shipped. */
  wake(): void
  /** Lets a running delivery end, makes one more attempt for at most `graceMs`, and stops. What remains stays where it is. */
  stop(graceMs: number): Promise<void>
}

const FIRST_BACKOFF_MS = 250
const LONGEST_BACKOFF_MS = 30_000
/** Failed attempts from one warning in the log to the next, about ten minutes. */
const REMIND_EVERY = 20

/** Ships in the background, one parcel at a time, oldest first; a failure is tried again with growing pauses, for ever. */
export function startCourier({ next, ship, log, pollMs }: CourierOptions): Courier {
  const stopped = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let round: Promise<void> | undefined
  let woken = false
  let failures = 0

  /** Ships until nothing is left. */
  async function deliver(): Promise<void> {
    for (let parcel = await next(); parcel; parcel = await next()) {
      await ship(parcel.events)
      await parcel.acknowledge()
      if (failures > 0) log.info('audit events are shipped again', { code: 'audit_shipping_resumed' })
      failures = 0
    }
    failures = 0
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
        if (woken && failures === 0) return start()
        if (pause !== undefined) timer = setTimeout(start, pause).unref()
      })
  }

  const courier: Courier = {
    wake() {
      woken = true
      // While deliveries fail, the timer of the backoff decides, not the next event.
      if (failures === 0) start()
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
