import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { SessionError } from './errors.ts'

const Holder = z.object({ id: z.string(), pid: z.int(), host: z.string() })

export interface WindowLockOptions {
  /** A holder this old is taken for dead even if its process lives, milliseconds. Must exceed the longest work. Default 90,000. */
  readonly staleAfter?: number
  /** How long to wait for another window, milliseconds. Default 45,000. */
  readonly patience?: number
  readonly signal?: AbortSignal
}

/** A break is a few file operations; one this old was left by a crash. */
const BREAK_STALE_AFTER = 10_000

/**
 * Runs `work` while no other window of this machine runs work under the same file. Two windows that refresh one rotated token would
 * make the provider revoke the grant (RFC 9700 section 4.14.2). The file is made with O_EXCL and names its process, so that the lock of
 * a killed window is recognised and broken.
 * @throws SessionError `session_busy`, or the signal's reason
 */
export async function withWindowLock<T>(
  file: string,
  work: () => Promise<T>,
  options: WindowLockOptions = {},
): Promise<T> {
  const staleAfter = options.staleAfter ?? 90_000
  const deadline = Date.now() + (options.patience ?? 45_000)
  const id = randomUUID()
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  for (;;) {
    options.signal?.throwIfAborted()
    if (await take(file, id)) break
    if (await isStale(file, staleAfter)) {
      await breakLock(file, staleAfter)
      continue
    }
    if (Date.now() > deadline) throw new SessionError('session_busy')
    await sleep(20 + Math.random() * 60, undefined, options.signal ? { signal: options.signal } : {})
  }
  try {
    return await work()
  } finally {
    if ((await holderOf(file))?.id === id) await rm(file, { force: true })
  }
}

async function take(file: string, id: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx', 0o600)
    try {
      await handle.writeFile(JSON.stringify({ id, pid: process.pid, host: hostname() }))
    } finally {
      await handle.close()
    }
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    // Windows answers so while the file of the last holder is being deleted.
    if (process.platform === 'win32' && hasCode(error, 'EPERM')) return false
    throw error
  }
}

async function holderOf(file: string): Promise<z.infer<typeof Holder> | undefined> {
  try {
    return Holder.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch {
    return undefined
  }
}

async function isStale(file: string, staleAfter: number): Promise<boolean> {
  const age = await ageOf(file)
  if (age === undefined) return false
  if (age > staleAfter) return true
  const holder = await holderOf(file)
  // Without a readable holder the file is either being written or was left by a crash in between; its age tells.
  if (!holder) return age > 2000
  return holder.host === hostname() && !isAlive(holder.pid)
}

/**
 * Removes a stale lock. Of two windows that both saw it stale, the slower must not remove the lock that the faster has taken since:
 * so removing is itself exclusive, and looks again before it removes.
 */
async function breakLock(file: string, staleAfter: number): Promise<void> {
  const breaker = `${file}.break`
  if (!(await take(breaker, randomUUID()))) {
    if (((await ageOf(breaker)) ?? 0) > BREAK_STALE_AFTER) await rm(breaker, { force: true })
    return sleep(20)
  }
  try {
    if (await isStale(file, staleAfter)) await rm(file, { force: true })
  } finally {
    await rm(breaker, { force: true })
  }
}

async function ageOf(file: string): Promise<number | undefined> {
  try {
    return Date.now() - (await stat(file)).mtimeMs
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !hasCode(error, 'ESRCH')
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
