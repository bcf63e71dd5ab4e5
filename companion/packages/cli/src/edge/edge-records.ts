import type { ServerRecord } from '@gatehouse/contracts'
import { CliError } from '../cli-error.ts'
import { fetchRecord } from '../server-record.ts'

/** Answers of the registry by which a server is not to be reached. */
const CLOSED: ReadonlySet<string> = new Set(['server_unknown', 'server_suspended', 'server_retired'])

/** The verified records of some servers, as they are now. */
export interface EdgeRecords {
  current(): readonly ServerRecord[]
  /**
   * Asks the registry again. A server that it has suspended is dropped at once. One about which it says nothing stays as it is: its server has the
   * same record with an end, and closes by itself.
   * @returns whether something is different
   */
  refresh(): Promise<boolean>
}

export function createEdgeRecords(registry: string, servers: readonly string[]): EdgeRecords {
  let held: ReadonlyMap<string, ServerRecord> = new Map()

  async function next(id: string): Promise<ServerRecord | undefined> {
    try {
      return await fetchRecord(registry, id)
    } catch (error) {
      return error instanceof CliError && CLOSED.has(error.code) ? undefined : held.get(id)
    }
  }

  return {
    current: () => [...held.values()],
    async refresh() {
      const records = await Promise.all(servers.map(next))
      const found = records.filter((record) => record !== undefined)
      const before = JSON.stringify([...held.values()])
      held = new Map(found.map((record) => [record.id, record]))
      return JSON.stringify(found) !== before
    },
  }
}
