import { createServer, type RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { GatehouseError } from '@gatehouse/contracts'
import { createIntake, type Intake, type IntakeOptions, SURPLUS } from './intake.ts'

export interface TcpAddress {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
}

export interface ListenOptions extends TcpAddress, IntakeOptions {}

/** Where a server can be reached from this machine. */
export interface TcpListening {
  /** `http://HOST:PORT` */
  readonly url: string
  readonly port: number
}

export interface Listening
  extends TcpListening,
    Pick<Intake, 'drain' | 'connections' | 'requests' | 'settled' | 'stop'> {}

/**
 * Serves HTTP within limits of size, time and number.
 * @throws GatehouseError `port_in_use`, `listen_failed`
 */
export async function listen(handler: RequestListener, options: ListenOptions): Promise<Listening> {
  const intake = createIntake(options)
  try {
    return { ...intake, ...(await listenTcp(intake, handler, options)) }
  } catch (error) {
    await intake.stop()
    throw error
  }
}

/** One more listener of the same intake. @throws GatehouseError `port_in_use`, `listen_failed` */
export async function listenTcp(intake: Intake, handler: RequestListener, at: TcpAddress): Promise<TcpListening> {
  const server = createServer(intake.settings, intake.within(handler))
  server.maxConnections = intake.limits.connections + SURPLUS
  server.on('connection', (socket: Socket) => {
    if (!intake.count(socket)) intake.crowded(socket)
    intake.watch(socket)
  })
  server.on('clientError', intake.unparsed)
  await intake.open(server, { host: at.host, port: at.port }, `${at.host}:${at.port}`)
  return addressOf(server.address(), 'http')
}

/** @throws GatehouseError `listen_failed` for a listener that is not on TCP */
export function addressOf(
  address: ReturnType<ReturnType<typeof createServer>['address']>,
  scheme: 'http' | 'https',
): TcpListening {
  if (address === null || typeof address === 'string') throw new GatehouseError('listen_failed', 'not a TCP address')
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return { url: `${scheme}://${host}:${address.port}`, port: address.port }
}
