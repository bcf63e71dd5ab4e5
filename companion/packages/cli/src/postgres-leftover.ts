import { execFile } from 'node:child_process'
import { readFile, readlink, realpath, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { GatehouseError } from '@gatehouse/contracts'

const run = promisify(execFile)

/**
 * The postmaster that still serves `cluster`, or `undefined`. Killing Node alone leaves it running.
 * A pid file whose process is something else (the pid was reused) is removed, since PostgreSQL would refuse to start over it.
 */
export async function findPostmaster(cluster: string): Promise<number | undefined> {
  const file = join(cluster, 'postmaster.pid')
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const pid = Number(text.split('\n')[0])
  if (Number.isInteger(pid) && pid > 1 && isAlive(pid) && (await serves(pid, cluster))) return pid
  await rm(file, { force: true })
  return undefined
}

/** Takes the folder for this process. @throws GatehouseError `data_folder_in_use` while the process that took it last is alive */
export async function takeFolder(folder: string): Promise<void> {
  const file = join(folder, 'owner')
  const text = await readFile(file, 'utf8').catch(() => '')
  const [pid, born] = text.split(' ')
  const owner = Number(pid)
  if (owner > 1 && owner !== process.pid && isAlive(owner) && (await birthOf(owner)) === born) {
    throw new GatehouseError('data_folder_in_use', `${folder} is in use by process ${owner}`)
  }
  await writeFile(file, `${process.pid} ${await birthOf(process.pid)}`, { mode: 0o600 })
}

export async function releaseFolder(folder: string): Promise<void> {
  await rm(join(folder, 'owner'), { force: true })
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The postmaster works in its data folder and is named postgres; elsewhere than on Linux its command line says both. */
async function serves(pid: number, cluster: string): Promise<boolean> {
  const folder = await realpath(cluster)
  if (process.platform === 'linux') {
    const [cwd, command] = await Promise.all([
      readlink(`/proc/${pid}/cwd`).catch(() => ''),
      readFile(`/proc/${pid}/comm`, 'utf8').catch(() => ''),
    ])
    return cwd === folder && command.trim() === 'postgres'
  }
  if (process.platform === 'win32') return true
  const { stdout } = await run('ps', ['-p', String(pid), '-o', 'command=']).catch(() => ({ stdout: '' }))
  return stdout.includes('postgres') && (stdout.includes(folder) || stdout.includes(cluster))
}

/** When the process began, so that a reused pid is not taken for its former holder. Empty where it cannot be told. */
async function birthOf(pid: number): Promise<string> {
  if (process.platform === 'linux') {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    // proc(5): field 22 (starttime); field 2 is a name in parentheses that may hold spaces. A zombie holds nothing any more.
    const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' ? 'ended' : (fields[18] ?? '')
  }
  if (process.platform === 'win32') return ''
  const { stdout } = await run('ps', ['-p', String(pid), '-o', 'lstart=']).catch(() => ({ stdout: '' }))
  return stdout.trim().replaceAll(' ', '_')
}
