import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { isAlive } from './postgres-leftover.ts'

const run = promisify(execFile)
/** How long services may take to end by themselves once their parent is gone, milliseconds. */
const PATIENCE = 5_000

/**
 * Waits for services that a killed `up` left behind: they end by themselves when its IPC channel closes, and those that do not are ended.
 * A pid that belongs to another program by now is left alone.
 * @param bundles files that the services were started from
 */
export async function endLeftovers(pids: readonly number[], bundles: readonly string[]): Promise<void> {
  const deadline = Date.now() + PATIENCE
  for (const pid of pids) {
    while (Date.now() < deadline && isAlive(pid)) await delay(50)
    if (!isAlive(pid)) continue
    const command = await commandOf(pid)
    if (!bundles.some((bundle) => command.includes(bundle))) continue
    kill(pid)
    while (isAlive(pid)) await delay(20)
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

async function commandOf(pid: number): Promise<string> {
  if (process.platform === 'linux') {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ')
  }
  const { stdout } = await run('ps', ['-p', String(pid), '-o', 'command=']).catch(() => ({ stdout: '' }))
  return stdout
}
