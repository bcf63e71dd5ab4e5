/** The MCP servers of the local stack, by their ids in the registry. A further one is a name here, a line below and a bundle. */
export type ServerName = 'presto' | 'runbooks'
export type ServiceName = 'identity' | 'registry' | ServerName

interface LocalService {
  /** Its folder in the companion, and among the bundles. */
  readonly folder: string
  /** Distance of its port from the base. */
  readonly port: number
  readonly needs: readonly ServiceName[]
}

interface LocalServer extends LocalService {
  /** Whether it needs PostgreSQL, for the receipts of its writes. */
  readonly database: boolean
  /** Whether its record names services, which call over mutual TLS. */
  readonly workloads: boolean
  /** Settings of its own that a person may give to the whole stack. */
  readonly settings: readonly string[]
}

/** What every server is started after. */
const BASE: readonly ServiceName[] = ['identity', 'registry']

export const SERVERS: Readonly<Record<ServerName, LocalServer>> = {
  presto: { folder: 'servers/presto', port: 2, needs: BASE, database: true, workloads: true, settings: [] },
  runbooks: {
    folder: 'servers/runbooks',
    port: 6,
    needs: BASE,
    database: false,
    workloads: false,
    settings: ['GATEHOUSE_RUNBOOKS'],
  },
}
export const SERVER_NAMES = Object.keys(SERVERS) as readonly ServerName[]

/** All processes of the local stack but PostgreSQL, in the order in which they start: each needs only those before it. */
export const SERVICES: Readonly<Record<ServiceName, LocalService>> = {
  identity: { folder: 'services/identity', port: 0, needs: [] },
  registry: { folder: 'services/registry', port: 1, needs: ['identity'] },
  ...SERVERS,
}
export const SERVICE_NAMES = Object.keys(SERVICES) as readonly ServiceName[]
