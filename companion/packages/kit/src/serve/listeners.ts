import { GatehouseError } from '@gatehouse/contracts'
import { createIntake, type Intake } from '../http/intake.ts'
import { listenTcp, type TcpListening } from '../http/listen.ts'
import { listenMutualTls } from '../http/listen-mutual-tls.ts'
import { listenUnix } from '../http/listen-unix.ts'
import type { HttpLimits } from '../http/limits.ts'
import type { Logger } from '../http/log.ts'
import type { Unparsed } from '../http/unparsed.ts'
import type { PeerHandler } from '../identity/peer.ts'
import type { WorkloadIdentity } from '../spiffe/workload-identity.ts'
import type { ServerConfig } from './config.ts'

export interface ListenersOptions {
  readonly config: ServerConfig
  readonly limits: HttpLimits
  /** How long `stop` lets requests in flight finish, milliseconds. */
  readonly drain: number
  readonly workloads: WorkloadIdentity | undefined
  /** Is told what is refused before it is a request. */
  readonly unparsed: (refused: Unparsed) => void
  readonly log: Logger
}

/** All ways into one server. */
export interface Listeners extends Pick<Intake, 'drain' | 'connections' | 'requests' | 'settled' | 'stop'> {
  /** Open to all. */
  readonly plain: TcpListening
  /** For workloads and an edge with an SVID. */
  readonly mtls: TcpListening | undefined
}

/** Opens what the configuration asks for. @throws GatehouseError `port_in_use`, `listen_failed`, `config_invalid` */
export async function openListeners(handler: PeerHandler, options: ListenersOptions): Promise<Listeners> {
  const { config, limits, drain, workloads, unparsed, log } = options
  const { host, port, mtlsPort, edgeSocket } = config
  const intake = createIntake({ drain, limits, always: ['/healthz'], unparsed })
  const given: (() => void | Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    await intake.stop()
    for (const giveBack of given) await giveBack()
  }
  try {
    const plain = await listenTcp(intake, (request, response) => handler(request, response, ANYONE), { host, port })
    if (edgeSocket !== undefined)
      given.push(await listenUnix(intake, (request, response) => handler(request, response, EDGE), edgeSocket))
    if (mtlsPort === undefined) return { ...intake, plain, mtls: undefined, stop }
    if (!workloads) throw new GatehouseError('config_invalid', 'a listener for workloads needs a workload identity')
    const mtls = await listenMutualTls(intake, handler, { host, port: mtlsPort, identity: workloads, log })
    given.push(() => mtls.stop())
    return { ...intake, plain, mtls, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const ANYONE = { kind: 'anyone' } as const
const EDGE = { kind: 'edge-socket' } as const
