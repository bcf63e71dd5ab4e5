import { setTimeout as sleep } from 'node:timers/promises'
import { GatehouseError } from '@gatehouse/contracts'
import { type Logger, openWorkloadIdentity } from '@gatehouse/kit/workload'
import type { NightlyConfig } from './config.ts'
import { askFreshness, type Freshness } from './freshness.ts'

const ATTEMPTS = 4
/** Milliseconds. */
const FIRST_WAIT = 1_000
const SVID_PATIENCE = 60_000
const ANSWER_PATIENCE = 30_000
const MAY_PASS = new Set(['call_failed', 'svid_unavailable'])

/** One line of the report. */
export interface Report {
  readonly table: string
  readonly lastUpdated: string | null
  readonly ageSeconds: number | null
  readonly maxAgeSeconds: number
  readonly fresh: boolean
}

/** Asks once, and again a few times while what stands in the way may pass. @throws GatehouseError */
export async function reportFreshness(config: NightlyConfig, log: Logger): Promise<readonly Report[]> {
  const { socket, url, server, tables, maxAgeSeconds } = config
  const identity = await openWorkloadIdentity({ socket, log, signal: AbortSignal.timeout(SVID_PATIENCE) })
  try {
    const answer = await persist(log, () =>
      askFreshness(identity.current(), { url, server, tables, signal: AbortSignal.timeout(ANSWER_PATIENCE) }),
    )
    return answer.tables.map((table) => reportOf(table, maxAgeSeconds))
  } finally {
    identity.close()
  }
}

/** A table of which nobody knows how old it is, is not fresh. */
function reportOf({ name, last_updated, age_seconds }: Freshness['tables'][number], maxAgeSeconds: number): Report {
  const fresh = age_seconds !== null && age_seconds <= maxAgeSeconds
  return { table: name, lastUpdated: last_updated, ageSeconds: age_seconds, maxAgeSeconds, fresh }
}

async function persist<R>(log: Logger, attempt: () => Promise<R>): Promise<R> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof GatehouseError) || !MAY_PASS.has(error.code) || failures === ATTEMPTS) throw error
      const wait = FIRST_WAIT * 2 ** (failures - 1)
      log.warn('the call failed and is made again', { code: error.code, waitMs: wait, error })
      await sleep(wait)
    }
  }
}
