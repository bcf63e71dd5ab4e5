import { createHash } from 'node:crypto'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

/** Leaves room for a socket's name within the 104 bytes that a socket's path may have. */
const LONGEST = 60

/**
 * Where sockets go: the person's own runtime folder where the system has one (XDG Base Directory, `XDG_RUNTIME_DIR`), else under the
 * temporary folder, named after the person.
 */
export function runtimeFolder(): string {
  const own = process.env['XDG_RUNTIME_DIR']
  if (own !== undefined && own !== '' && own.length <= LONGEST) return join(own, 'gatehouse')
  const person = createHash('sha256').update(userInfo().username).digest('hex').slice(0, 8)
  return join(tmpdir(), `gatehouse-${person}`)
}
