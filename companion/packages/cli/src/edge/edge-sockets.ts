import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A socket's name may have 108 bytes on Linux and 104 on macOS; the servers keep some of them while they make it. */
const LONGEST = 90

/** Folder of the sockets by which the edge reaches the servers; only this user may enter it. */
export interface EdgeSockets {
  pathOf(server: string): string
  remove(): Promise<void>
}

/** Below the data folder, or, where its path is too long for a socket, a folder of its own among the temporary ones. */
export async function makeEdgeSockets(data: string, servers: readonly string[]): Promise<EdgeSockets> {
  const folder = join(data, 'run')
  const pathIn = (place: string, server: string): string => join(place, `${server}.sock`)
  const fits = servers.every((server) => Buffer.byteLength(pathIn(folder, server)) <= LONGEST)
  if (fits) await mkdir(folder, { recursive: true, mode: 0o700 })
  // Of an unguessable name, so that nobody else could have made it before.
  const place = fits ? folder : await mkdtemp(join(tmpdir(), 'gatehouse-'))
  return {
    pathOf: (server) => pathIn(place, server),
    remove: () => (fits ? Promise.resolve() : rm(place, { recursive: true, force: true })),
  }
}
