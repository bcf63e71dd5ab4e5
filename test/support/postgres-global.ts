import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GatehouseError } from '@gatehouse/contracts'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '../../companion/packages/cli/src/postgres.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Administrator's URL of the PostgreSQL of this run. */
    postgresUrl: string | undefined
  }
}

const PREFIX = 'gatehouse-test-run-'

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
  await sweep()
  const folder = await mkdtemp(join(tmpdir(), PREFIX))
  // The user that PostgreSQL runs as must be able to pass.
  await chmod(folder, 0o755)
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'data'), port: 0 })
  project.provide('postgresUrl', await postgres.databaseUrl('postgres'))
  return async () => {
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Ends what a run that was killed has left: taking its folder over stops its postmaster. The folder of a live run is refused. */
async function sweep(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(PREFIX))
  for (const name of names) {
    const folder = join(tmpdir(), name)
    const dataDir = join(folder, 'data')
    if (!existsSync(join(dataDir, 'owner'))) continue
    try {
      await (await startEmbeddedPostgres({ dataDir, port: 0 })).stop()
    } catch (error) {
      if (!(error instanceof GatehouseError) || error.code === 'data_folder_in_use') continue
    }
    await rm(folder, { recursive: true, force: true })
  }
}
