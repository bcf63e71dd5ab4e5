import type { AuditEvent } from '@gatehouse/contracts'
import type { Journal } from '../audit/journal.ts'
import type { Logger } from '../http/log.ts'
import { failure, type Outcome } from './outcome.ts'

/** What keeps a read from running now: it would be for nothing, since its result could not be recorded. */
export function unrecordable({
  journal,
  log,
}: {
  readonly journal: Journal
  readonly log: Logger
}): Outcome | undefined {
  try {
    journal.check()
    return undefined
  } catch (error) {
    log.error('calls cannot be recorded, so they are refused', { code: 'audit_unavailable', error })
    return failure('audit_unavailable', 'calls cannot be recorded now, so nothing was run', {
      next: 'Try again later.',
    })
  }
}

/** OBS-2: what cannot be recorded is not answered. */
export async function recorded(
  { journal, log }: { readonly journal: Journal; readonly log: Logger },
  outcome: Outcome,
  event: AuditEvent,
): Promise<Outcome> {
  try {
    await journal.record(event)
    return outcome
  } catch (error) {
    log.error('a call could not be recorded, so it was not answered', { code: 'audit_unavailable', error })
    return failure('audit_unavailable', 'the call could not be recorded, so its result is not returned', {
      next: 'Try again later.',
    })
  }
}
