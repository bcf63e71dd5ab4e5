import { HOST, type PortName, type Ports } from './ports.ts'
import { SERVER_NAMES, type ServerName, type ServiceName } from './services.ts'

/** Where the parts of one stack are, settled before any of them starts, since each must know the others'. */
export interface Addresses {
  readonly ports: Ports
  readonly issuer: string
  /** Part of identity's settings whether it runs here or not. */
  readonly registry: string
  /** Origin of the edge, where there is one: then the servers are below it. */
  readonly edge: string | undefined
  /** MCP endpoint of each server that runs; also its resource (RFC 8707), which its tokens and its record name. */
  readonly servers: Readonly<Partial<Record<ServerName, { readonly url: string }>>>
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
    servers: Object.fromEntries(running.map((name) => [name, { url: `${base(name)}/mcp` }])),
  }
}
