import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerRecord } from '@gatehouse/contracts'
import { startIdentity } from '@gatehouse/identity'
import { startRegistry } from '@gatehouse/registry'
import { startTestPostgres } from './postgres.ts'

const DEV_SECRET = 'development-endpoints-of-this-test-run-alone'
const QUIET = { debug() {}, info() {}, warn() {}, error() {} }

export interface Company {
  readonly issuer: string
  readonly registry: string
  /** Adds or replaces a server in the registry. */
  list(record: ServerRecord): Promise<void>
  stopIdentity(): Promise<void>
  /** On the port and with the data it had. */
  restartIdentity(): Promise<void>
  stopRegistry(): Promise<void>
  restartRegistry(): Promise<void>
  stop(): Promise<void>
}

/** The real identity provider and the real registry, on ports of their own, with folders and a database of their own. */
export async function startCompany(options: { listLife?: number } = {}): Promise<Company> {
  const data = await mkdtemp(join(tmpdir(), 'gatehouse-company-'))
  const postgres = await startTestPostgres()
  const databaseUrl = await postgres.databaseUrl(`registry_${randomUUID().replaceAll('-', '')}`)
  const identityAt = (port: number) =>
    startIdentity({ host: '127.0.0.1', port, data: join(data, 'identity'), devSecret: DEV_SECRET })
  let identity = await identityAt(0)
  const issuer = identity.url
  const registryAt = (port: number) =>
    startRegistry(
      {
        host: '127.0.0.1',
        port,
        issuer,
        databaseUrl,
        devSecret: DEV_SECRET,
        ...(options.listLife === undefined ? {} : { listLife: options.listLife }),
      },
      { log: QUIET },
    )
  let running = await registryAt(0)
  const registry = running.url
  return {
    issuer,
    registry,
    list: async (record) => {
      const response = await fetch(`${registry}/gatehouse/v1/dev/servers/${record.id}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${DEV_SECRET}`, 'content-type': 'application/json' },
        body: JSON.stringify(record),
      })
      if (!response.ok) throw new Error(`the registry refused the record: ${response.status} ${await response.text()}`)
    },
    stopIdentity: () => identity.stop(),
    restartIdentity: async () => {
      identity = await identityAt(Number(new URL(issuer).port))
    },
    stopRegistry: () => running.stop(),
    restartRegistry: async () => {
      running = await registryAt(Number(new URL(registry).port))
    },
    stop: async () => {
      await identity.stop()
      await running.stop()
      await postgres.stop()
      await rm(data, { recursive: true, force: true })
    },
  }
}
