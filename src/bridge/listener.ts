import { randomBytes } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { join } from 'node:path'

/** sun_path of sockaddr_un holds 104 bytes on macOS, its closing zero included. */
const SOCKET_PATH_LIMIT = 103
const SOCKET_NAME = /^bridge-(\d+)-[0-9a-f]+\.sock$/

export interface Listener {
  /** URI of a path, as VS Code takes it. */
  readonly uri: (path: string) => string
  close(): Promise<void>
}

/** Listens on a Unix socket in `runtimeDir` (mode 0700), a named pipe on Windows, or, where neither is possible, on 127.0.0.1. */
export async function listen(runtimeDir: string, handle: RequestListener): Promise<Listener> {
  const server = createServer({ requestTimeout: 0, headersTimeout: 15_000, keepAliveTimeout: 5000 }, handle)
  const address = localAddress(runtimeDir)
  if (address) {
    try {
      await opened(server, { path: address.path })
      if (process.platform !== 'win32') chmodSync(address.path, 0o600)
      return { uri: address.uri, close: () => closed(server, () => rmSync(address.path, { force: true })) }
    } catch {
      // Falls through: some file systems have no sockets.
    }
  }
  await opened(server, { host: '127.0.0.1', port: 0 })
  const bound = server.address()
  const port = typeof bound === 'object' && bound ? bound.port : 0
  return { uri: (path) => `http://127.0.0.1:${port}${path}`, close: () => closed(server) }
}

interface LocalAddress {
  readonly path: string
  readonly uri: (path: string) => string
}

function localAddress(runtimeDir: string): LocalAddress | undefined {
  const id = `${process.pid}-${randomBytes(6).toString('hex')}`
  if (process.platform === 'win32') {
    return { path: `\\\\.\\pipe\\gatehouse-${id}`, uri: (path) => `pipe:///pipe/gatehouse-${id}#${path}` }
  }
  const socket = join(runtimeDir, `bridge-${id}.sock`)
  if (Buffer.byteLength(socket) > SOCKET_PATH_LIMIT || !privateFolder(runtimeDir)) return undefined
  removeStale(runtimeDir)
  return { path: socket, uri: (path) => `unix://${encodeURI(socket)}#${path}` }
}

/** Made, or found to be ours alone: a folder that somebody else owns could have its socket replaced. */
function privateFolder(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const found = lstatSync(folder)
    if (!found.isDirectory() || found.uid !== process.getuid?.()) return false
    chmodSync(folder, 0o700)
    return true
  } catch {
    return false
  }
}

/** Sockets of windows that were killed. */
function removeStale(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = Number(SOCKET_NAME.exec(name)?.[1])
    if (Number.isInteger(pid) && pid > 0 && !isRunning(pid)) rmSync(join(folder, name), { force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

async function opened(server: Server, where: { path: string } | { host: string; port: number }): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function closed(server: Server, after?: () => void): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
  after?.()
}
