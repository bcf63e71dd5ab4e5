import type { TableFacts } from '../backend/backend.ts'
import { resourceName } from '../sql/names.ts'
import { UNTRUSTED } from './schemas.ts'

/** The oldest first; what is not known comes before all. */
export function freshnessAnswer(tables: readonly TableFacts[], now: Date) {
  const rows = tables
    .map(({ name, owner, updatedAt }) => ({
      name: `${name.catalog}.${resourceName(name)}`,
      owner: owner ?? null,
      last_updated: updatedAt ?? null,
      age_seconds: updatedAt === undefined ? null : ageOf(updatedAt, now),
    }))
    .sort((a, b) => (b.age_seconds ?? Number.MAX_VALUE) - (a.age_seconds ?? Number.MAX_VALUE))
  const lines = rows.map(({ name, last_updated }) => `${name}: ${last_updated ?? 'not known'}`)
  return {
    structured: { tables: rows, checked_at: now.toISOString(), ...UNTRUSTED },
    text: [`${rows.length} tables, the oldest first.`, ...lines].join('\n'),
  }
}

/** Seconds, whole. A clock that runs behind the engine's makes no age below nothing. */
function ageOf(updatedAt: string, now: Date): number {
  return Math.max(0, Math.floor((now.getTime() - Date.parse(updatedAt)) / 1000))
}
