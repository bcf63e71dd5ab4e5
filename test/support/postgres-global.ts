import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '../../companion/packages/cli/src/postgres.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Administrator's URL of the PostgreSQL of this run. */
    postgresUrl: string | undefined
  }
}

/**
 * vitest global setup: one PostgreSQL for the whole run; every `startTestPostgres` takes a database of its own in it.
 * `GATEHOUSE_TEST_DATABASE_URL` names a running one to use instead.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['GATEHOUSE_TEST_DATABASE_URL']
  if (given !== undefined) {
    project.provide('postgresUrl', given)
    return async () => undefined
  }
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-postgres-'))
  // The user that PostgreSQL runs as must be able to pass.
  await chmod(folder, 0o755)
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'data'), port: 0 })
  project.provide('postgresUrl', await postgres.databaseUrl('postgres'))
  return async () => {
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
