import { join } from 'node:path'
import type { Addresses } from './addresses.ts'
import type { EdgeSockets } from './edge/edge-sockets.ts'
import { HOST } from './ports.ts'
import type { Secrets } from './secrets.ts'
import { SERVERS, type ServerName, type ServiceName } from './services.ts'

export interface StackSettings {
  /** Data folder of the stack. */
  readonly data: string
  readonly addresses: Addresses
  readonly secrets: Secrets
  /** PostgreSQL; absent where nothing that runs needs it. */
  readonly databaseUrl: string | undefined
  /** By which the edge reaches the servers, where there is one. */
  readonly sockets: EdgeSockets | undefined
}

/** Names the socket of the Workload API (SPIFFE Workload Endpoint section 4). */
export const WORKLOAD_API = 'SPIFFE_ENDPOINT_SOCKET'

type Environment = Readonly<Record<string, string>>

/** The settings that one service is started with: exactly those that it needs, so that no other secret is in its environment. */
export function serviceEnvironment(name: ServiceName, settings: StackSettings): Environment {
  const { addresses, secrets } = settings
  const common = {
    GATEHOUSE_HOST: HOST,
    GATEHOUSE_PORT: String(addresses.ports[name]),
    GATEHOUSE_DATA: join(settings.data, name),
  }
  const trusts = { GATEHOUSE_ISSUER: addresses.issuer, GATEHOUSE_INTAKE_TOKEN: secrets.intake }
  const database = settings.databaseUrl === undefined ? {} : { DATABASE_URL: settings.databaseUrl }
  switch (name) {
    case 'identity':
      return { ...common, GATEHOUSE_REGISTRY: addresses.registry, GATEHOUSE_DEV_SECRET: secrets.dev }
    case 'registry':
      return { ...common, ...trusts, ...database, GATEHOUSE_DEV_SECRET: secrets.dev }
    default:
      return {
        ...common,
        ...trusts,
        ...(SERVERS[name].database && database),
        ...ownSettings(name),
        ...behindEdge(name, settings),
        ...forWorkloads(name, settings),
        GATEHOUSE_REGISTRY: addresses.registry,
      }
  }
}

/** A server behind the edge answers calls on its socket alone, under the address that clients know. */
function behindEdge(name: ServerName, { addresses, sockets }: StackSettings): Environment {
  if (addresses.edge === undefined || !sockets) return {}
  return { GATEHOUSE_PUBLIC_URL: `${addresses.edge}/${name}`, GATEHOUSE_EDGE_SOCKET: sockets.pathOf(name) }
}

/** With a Workload API, services may call those servers whose records name some. */
function forWorkloads(name: ServerName, { addresses }: StackSettings): Environment {
  const socket = process.env[WORKLOAD_API]
  if (!socket || !SERVERS[name].workloads || addresses.ports.workloads === 0) return {}
  return { [WORKLOAD_API]: socket, GATEHOUSE_MTLS_PORT: String(addresses.ports.workloads) }
}

/** What a person set for this server and for no other. */
function ownSettings(name: ServerName): Environment {
  const names = SERVERS[name].settings
  return Object.fromEntries(
    names.flatMap((setting) => {
      const value = process.env[setting]
      return value === undefined ? [] : [[setting, value]]
    }),
  )
}
