import { type Courier, type Ship, startCourier } from '../audit/courier.ts'
import type { Logger } from '../http/log.ts'
import type { Ledger } from './ledger.ts'

export interface OutboxOptions {
  readonly ledger: Pick<Ledger, 'pendingAudit' | 'markShipped' | 'setAside'>
  readonly ship: Ship
  readonly log: Logger
  /** How often to look for rows that another replica left behind, milliseconds. Default 5,000. */
  readonly pollMs?: number
}

/** Ships the audit rows of writes from the ledger in the background. Replicas may ship one twice; the registry takes each id once. */
export function startOutbox({ ledger, ship, log, pollMs = 5000 }: OutboxOptions): Courier {
  return startCourier({
    async next(most) {
      const events = await ledger.pendingAudit(most)
      const [first] = events
      if (!first) return undefined
      return {
        events,
        acknowledge: () => ledger.markShipped(events.map((event) => event.id)),
        setAside: (reason) => ledger.setAside(first.id, reason),
      }
    },
    ship,
    log,
    pollMs,
  })
}
