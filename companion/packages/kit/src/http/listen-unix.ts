import { randomBytes } from 'node:crypto'
import { chmod, lstat, mkdir, rename, unlink } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { connect } from 'node:net'
import { dirname, resolve } from 'node:path'
import { GatehouseError } from '@gatehouse/contracts'
import type { Intake } from './intake.ts'

/** `sun_path` of Linux has 108 bytes, with its end; macOS has 104. A suffix is added while the socket is made. */
const LONGEST = 90

/**
 * One more listener of the same intake, on a socket file that this user alone may open. A folder that is not there is made; a file that a dead
 * process left is replaced.
 * @returns what takes the file away again
 * @throws GatehouseError `port_in_use` when a living process has it, `listen_failed`
 */
export async function listenUnix(intake: Intake, handler: RequestListener, file: string): Promise<() => Promise<void>> {
  const path = resolve(file)
  if (Buffer.byteLength(path) > LONGEST)
    throw new GatehouseError('listen_failed', `${path} is too long for the name of a socket`)
  await makeFolder(path)
  await refuseOccupied(path)
  const server = createServer(intake.edgeSettings, intake.within(handler))
  server.on('connection', (socket) => {
    if (!intake.count(socket)) intake.crowded(socket)
    intake.watch(socket)
  })
  server.on('clientError', intake.unparsed)
  // Made under another name, so that it is never there with more permissions than it should have, nor half replaced.
  const making = `${path}.${randomBytes(3).toString('hex')}`
  await intake.open(server, { path: making }, path)
  await chmod(making, 0o600)
  const { ino } = await lstat(making)
  await rename(making, path)
  return async () => {
    const there = await lstat(path).catch(() => undefined)
    if (there?.ino === ino) await unlink(path)
  }
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw new GatehouseError('listen_failed', `the folder of ${path} cannot be made`, { cause })
  })
}

/** @throws GatehouseError unless there is nothing, or a socket on which nobody listens */
async function refuseOccupied(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined)
  if (!there) return
  if (!there.isSocket()) throw new GatehouseError('listen_failed', `${path} is there and is no socket`)
  const code = await knock(path)
  if (code !== 'ECONNREFUSED' && code !== 'ENOENT')
    throw new GatehouseError('port_in_use', `${path} is in use by another process`)
}

/** @returns the error's code, or undefined when somebody opened */
function knock(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(undefined)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'))
  })
}
