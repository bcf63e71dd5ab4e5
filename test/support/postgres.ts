import { randomUUID } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { inject } from 'vitest'
import { startEmbeddedPostgres } from '../../companion/packages/cli/src/postgres.ts'
import type {} from './postgres-global.ts'

export interface TestPostgres {
  /** A database that this caller alone uses; the same name gives the same database. */
  databaseUrl(name: string): Promise<string>
  stop(): Promise<void>
}

/** Real PostgreSQL: the one of the whole run where vitest's global setup started it, else one of its own. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const admin = inject('postgresUrl')
  return admin === undefined ? startOwn() : shareRunning(admin)
}

async function startOwn(): Promise<TestPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-postgres-'))
  // The user that PostgreSQL runs as must be able to pass.
  await chmod(folder, 0o755)
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'data'), port: 0 }).catch(async (error) => {
    await rm(folder, { recursive: true, force: true })
    throw error
  })
  return {
    databaseUrl: (name) => postgres.databaseUrl(name),
    async stop() {
      await postgres.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function shareRunning(admin: string): TestPostgres {
  const suffix = randomUUID().replaceAll('-', '')
  const made = new Map<string, Promise<string>>()
  const create = async (name: string): Promise<string> => {
    const database = `${name.slice(0, 28)}_${suffix}`
    await asAdmin(admin, (client) => client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`))
    const url = new URL(admin)
    url.pathname = `/${database}`
    return url.href
  }
  return {
    databaseUrl(name) {
      const known = made.get(name) ?? create(name)
      made.set(name, known)
      return known
    },
    async stop() {
      for (const url of await Promise.all(made.values())) {
        const database = new URL(url).pathname.slice(1)
        await asAdmin(admin, (client) =>
          client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(database)} WITH (FORCE)`),
        )
      }
    },
  }
}

async function asAdmin(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
