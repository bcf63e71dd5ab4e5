import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'
import { CliError } from './cli-error.ts'
import { SERVICE_NAMES, type ServiceName, SERVICES } from './services.ts'

export const HOST = '127.0.0.1'
export const DEFAULT_PORT_BASE = 7420
export type PortName = ServiceName | 'workloads' | 'edge' | 'database'
/** 0 for those that are not used. */
export type Ports = Readonly<Record<PortName, number>>

/** Of Presto, for services. */
const WORKLOADS = 7
const EDGE = 8
const DATABASE = 9
/** The furthest port from the base. */
export const LAST_OFFSET = DATABASE

/**
 * The ports of the stack, each free at this moment. They are settled before anything starts, since each service must know the others' URLs.
 * @param base 0 = any free ports @param names those that will be used
 * @throws CliError `port_in_use`
 */
export async function choosePorts(base: number, names: readonly PortName[]): Promise<Ports> {
  const held: Server[] = []
  const ports = perPort(() => 0)
  try {
    for (const name of names) {
      // PostgreSQL checks a fixed port itself, after it has ended one that a killed start left on it.
      if (name === 'database' && base !== 0) {
        ports[name] = base + DATABASE
        continue
      }
      const server = await hold(name, base === 0 ? 0 : base + offsetOf(name))
      held.push(server)
      ports[name] = (server.address() as AddressInfo).port
    }
    return ports
  } finally {
    await Promise.all(held.map(release))
  }
}

/** Distance of a port from the base. */
export function offsetOf(name: PortName): number {
  if (name === 'workloads') return WORKLOADS
  if (name === 'edge') return EDGE
  return name === 'database' ? DATABASE : SERVICES[name].port
}

function perPort(value: (name: PortName) => number): Record<PortName, number> {
  const names: readonly PortName[] = [...SERVICE_NAMES, 'workloads', 'edge', 'database']
  return Object.fromEntries(names.map((name) => [name, value(name)])) as Record<PortName, number>
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
