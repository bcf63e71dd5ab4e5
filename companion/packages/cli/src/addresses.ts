import { HOST, type PortName, type Ports } from './ports.ts'
import { SERVER_NAMES, type ServerName, SERVERS, type ServiceName } from './services.ts'

/** Where the parts of one stack are, settled before any of them starts, since each must know the others'. */
export interface Addresses {
  readonly ports: Ports
  readonly issuer: string
  /** Part of identity's settings whether it runs here or not. */
  readonly registry: string
  /** Origin of the edge, where there is one: then the servers are below it. */
  readonly edge: string | undefined
  /** MCP endpoint of each server that runs; also its resource (RFC 8707), which its tokens and its record name. */
  readonly servers: Readonly<Partial<Record<ServerName, ServerAddress>>>
}

export interface ServerAddress {
  readonly url: string
  /** The same endpoint for services, over mutual TLS, where there is a Workload API. */
  readonly workloads?: string
}

export function addressesOf(services: readonly ServiceName[], ports: Ports): Addresses {
  const origin = (name: PortName): string => `http://${HOST}:${ports[name]}`
  const edge = ports.edge === 0 ? undefined : origin('edge')
  const base = (name: ServerName): string => (edge === undefined ? origin(name) : `${edge}/${name}`)
  const running = SERVER_NAMES.filter((name) => services.includes(name))
  return {
    ports,
    issuer: origin('identity'),
    registry: origin('registry'),
    edge,
    servers: Object.fromEntries(
      running.map((name) => [name, { url: `${base(name)}/mcp`, ...workloadsOf(name, ports) }]),
    ),
  }
}

function workloadsOf(name: ServerName, ports: Ports): Pick<ServerAddress, 'workloads'> {
  const port = ports.workloads
  return SERVERS[name].workloads && port !== 0 ? { workloads: `https://${HOST}:${port}/mcp` } : {}
}
