import { spawn } from 'node:child_process'
import { mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { withWindowLock } from '../../src/session/window-lock.ts'
import { verifies } from '../requirements.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-lock-'))
  file = join(folder, 'deep', 'session.lock')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** A process id that has just ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''])
  await new Promise((resolve) => child.once('exit', resolve))
  return child.pid as number
}

describe('withWindowLock', () => {
  test('lets one work at a time and gives the result, and the error, of the work', async () => {
    verifies('AUTH-5.1')
    let inside = 0
    let most = 0
    const work = async (n: number) => {
      most = Math.max(most, ++inside)
      await new Promise((resolve) => setTimeout(resolve, 5))
      inside--
      return n
    }
    expect(await Promise.all([1, 2, 3, 4, 5].map((n) => withWindowLock(file, () => work(n))))).toEqual([1, 2, 3, 4, 5])
    expect(most).toBe(1)
    await expect(withWindowLock(file, () => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
    expect(await readdir(join(folder, 'deep'))).toEqual([])
  })

  test('holds between processes', async () => {
    verifies('AUTH-5.1')
    const log = join(folder, 'log')
    const program = join(folder, 'window.mjs')
    await build({
      stdin: {
        contents: `
          import { appendFile } from 'node:fs/promises'
          import { withWindowLock } from './src/session/window-lock.ts'
          const [file, log] = process.argv.slice(2)
          for (let n = 0; n < 10; n++) {
            await withWindowLock(file, async () => {
              await appendFile(log, '(')
              await new Promise((resolve) => setTimeout(resolve, 2))
              await appendFile(log, ')')
            })
          }`,
        resolveDir: process.cwd(),
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: program,
    })
    const codes = await Promise.all(
      [1, 2].map(
        () =>
          new Promise((resolve) =>
            spawn(process.execPath, [program, file, log], { stdio: 'inherit' }).once('exit', resolve),
          ),
      ),
    )
    expect(codes).toEqual([0, 0])
    expect(await readFile(log, 'utf8')).toBe('()'.repeat(20))
  })

  test('breaks the lock of a window that was killed, once, however many wait for it', async () => {
    await withWindowLock(file, async () => {})
    await writeFile(file, JSON.stringify({ id: 'gone', pid: await deadPid(), host: hostname() }))
    let inside = 0
    let most = 0
    await Promise.all(
      Array.from({ length: 8 }, () =>
        withWindowLock(file, async () => {
          most = Math.max(most, ++inside)
          await new Promise((resolve) => setTimeout(resolve, 5))
          inside--
        }),
      ),
    )
    expect(most).toBe(1)
  })

  test.each([
    ['too old, though its process lives', JSON.stringify({ id: 'old', pid: process.pid, host: hostname() })],
    ['of another machine and too old', JSON.stringify({ id: 'old', pid: 1, host: 'elsewhere' })],
    ['cut short by a crash', '{"id":'],
  ])('breaks a lock that is %s', async (_name, text) => {
    await withWindowLock(file, async () => {})
    await writeFile(file, text)
    const past = new Date(Date.now() - 120_000)
    await utimes(file, past, past)
    expect(await withWindowLock(file, async () => 'in')).toBe('in')
  })

  test('does not break the lock of a living window, and says so in the end', async () => {
    await withWindowLock(file, async () => {})
    await writeFile(file, JSON.stringify({ id: 'other', pid: process.pid, host: hostname() }))
    await expect(withWindowLock(file, async () => 'in', { patience: 200 })).rejects.toMatchObject({
      code: 'session_busy',
    })
    await expect(withWindowLock(file, async () => 'in', { signal: AbortSignal.timeout(50) })).rejects.toThrow()
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ id: 'other' })
  })

  test('leaves a lock alone that another has taken over meanwhile', async () => {
    await withWindowLock(file, () =>
      writeFile(file, JSON.stringify({ id: 'thief', pid: process.pid, host: hostname() })),
    )
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ id: 'thief' })
  })
})
