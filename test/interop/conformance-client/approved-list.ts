import type { ServerRecord } from '@gatehouse/contracts'
import type { Catalog, CatalogState } from '../../../src/catalog/types.ts'

/** A catalog of one server, whose record a reviewer may replace. */
export interface ApprovedList extends Catalog {
  approve(record: ServerRecord): void
}

export function approvedList(first: ServerRecord): ApprovedList {
  let record = first
  const listeners = new Set<(state: CatalogState) => void>()
  const state = (): CatalogState => ({
    kind: 'ready',
    servers: [{ access: 'allowed', record }],
    fetchedAt: 0,
    expiresAt: Number.MAX_SAFE_INTEGER,
    version: record.version,
  })
  return {
    state,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    refresh: async () => state(),
    find: (id) => (id === record.id ? { access: 'allowed', record } : undefined),
    dispose: () => listeners.clear(),
    approve(next) {
      record = next
      for (const listener of [...listeners]) listener(state())
    },
  }
}
