import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'
import { CliError } from './cli-error.ts'

export const HOST = '127.0.0.1'
export const DEFAULT_PORT_BASE = 7420
/** Distance of each port from the base. */
const OFFSETS = { identity: 0, registry: 1, presto: 2, database: 9 } as const
export type PortName = keyof typeof OFFSETS
export type Ports = Readonly<Record<PortName, number>>

/**
 * The ports of the stack, each free at this moment. They are settled before anything starts, since each service must know the others' URLs.
 * @param base 0 = any free ports @param names those that will be used
 * @throws CliError `port_in_use`
 */
export async function choosePorts(base: number, names: readonly PortName[]): Promise<Ports> {
  const held: Server[] = []
  const ports: Record<PortName, number> = { identity: 0, registry: 0, presto: 0, database: 0 }
  try {
    for (const name of names) {
      // PostgreSQL checks a fixed port itself, after it has ended one that a killed start left on it.
      if (name === 'database' && base !== 0) {
        ports[name] = base + OFFSETS[name]
        continue
      }
      const server = await hold(name, base === 0 ? 0 : base + OFFSETS[name])
      held.push(server)
      ports[name] = (server.address() as AddressInfo).port
    }
    return ports
  } finally {
    await Promise.all(held.map(release))
  }
}

async function hold(name: PortName, port: number): Promise<Server> {
  const server = createServer().listen(port, HOST)
  try {
    await once(server, 'listening')
    return server
  } catch (cause) {
    throw new CliError(
      'port_in_use',
      `port ${port} of ${HOST}, for ${name}, is in use; choose others with --port-base`,
      { cause },
    )
  }
}

async function release(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  await closed
}
