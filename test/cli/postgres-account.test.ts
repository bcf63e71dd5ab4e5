import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startEmbeddedPostgres } from '../../companion/packages/cli/src/postgres.ts'
import { findAccount } from '../../companion/packages/cli/src/postgres-account.ts'
import { runnableBy } from '../../companion/packages/cli/src/postgres-binaries.ts'
import { verifies } from '../requirements.ts'

const isRoot = process.getuid?.() === 0
/** Closed to everyone but its owner, as root's home is. */
let closed: string
beforeEach(async () => {
  closed = await mkdtemp(join(tmpdir(), 'gatehouse-closed-'))
})
afterEach(() => rm(closed, { recursive: true, force: true }))

test.skipIf(isRoot)('an ordinary user runs PostgreSQL as itself', async () => {
  expect(await findAccount()).toBeUndefined()
})

test.runIf(isRoot)(
  'root gets the user postgres, who must be able to reach the data: else it is kept elsewhere, and that is said',
  async () => {
    verifies('OPS-1.1')
    const dataDir = join(closed, 'data')
    const postgres = await startEmbeddedPostgres({ dataDir, port: 0 })
    const moved = (await readFile(join(dataDir, 'moved-to.txt'), 'utf8')).trim()
    try {
      expect((await stat(moved)).uid).toBe((await findAccount())?.uid)
      expect(await postgres.databaseUrl('registry')).toContain('127.0.0.1')
    } finally {
      await postgres.stop()
      await rm(moved, { recursive: true, force: true })
    }
  },
)

test.runIf(isRoot)('programs that the user postgres cannot reach are copied to where it can', async () => {
  const home = await mkdtemp(join(tmpdir(), 'gatehouse-home-'))
  await chmod(home, 0o755)
  const bin = join(closed, 'native/bin')
  await mkdir(bin, { recursive: true, mode: 0o700 })
  const names = ['initdb', 'postgres', 'pg_ctl'] as const
  for (const name of names) await writeFile(join(bin, name), '#!/bin/sh\n', { mode: 0o700 })
  const binaries = { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres'), pg_ctl: join(bin, 'pg_ctl') }
  try {
    const copied = await runnableBy(await findAccount(), binaries, home)
    expect(copied.postgres.startsWith(home)).toBe(true)
    for (const name of names) expect((await stat(copied[name])).mode & 0o777).toBe(0o755)
    expect(await runnableBy(await findAccount(), copied, home)).toEqual(copied)
    expect(await runnableBy(undefined, binaries, home)).toEqual(binaries)
  } finally {
    await rm(home, { recursive: true, force: true })
  }
})
