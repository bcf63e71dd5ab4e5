import { constants } from 'node:crypto'
import { createServer } from 'node:https'
import type { Socket } from 'node:net'
import type { SecureContextOptions, TLSSocket } from 'node:tls'
import type { PeerHandler } from '../identity/peer.ts'
import { watchPeerChains } from '../identity/peer-chain.ts'
import { createPeerSvids } from '../identity/peer-svid.ts'
import type { WorkloadIdentity, X509Identity } from '../spiffe/workload-identity.ts'
import type { Intake } from './intake.ts'
import { addressOf, type TcpAddress, type TcpListening } from './listen.ts'
import type { Logger } from './log.ts'

export interface MutualTlsOptions extends TcpAddress {
  readonly identity: WorkloadIdentity
  readonly log: Logger
}

/**
 * One more listener of the same intake, under this process's own SVID and for workloads that show theirs. Whoever shows none, or a wrong one,
 * still reaches the handler, which refuses it in words and in the audit. A new SVID is for new connections; those that are open go on.
 * Without an SVID of our own that is valid, nothing is answered, until there is one again.
 * @throws GatehouseError `port_in_use`, `listen_failed`
 */
export async function listenMutualTls(
  intake: Intake,
  handler: PeerHandler,
  { identity, log, ...at }: MutualTlsOptions,
): Promise<TcpListening & { stop(): void }> {
  const current = createOwnSvid(identity, log)
  const own = current()
  const server = createServer(
    {
      ...intake.edgeSettings,
      ...(own && contextOf(own)),
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      handshakeTimeout: intake.limits.headersTime,
    },
    intake.within((request, response) => {
      const now = current()
      if (!now) return void request.socket.destroy()
      const svid = peers(request.socket as TLSSocket, now.bundles, Date.now())
      handler(request, response, { kind: 'mutual-tls', svid })
    }),
  )
  const peers = createPeerSvids(watchPeerChains(server))
  server.on('connection', (socket: Socket) => {
    // Nothing can be said before the handshake, which costs more than a refusal is worth.
    if (!intake.count(socket) || !current()) socket.destroy()
  })
  server.on('secureConnection', (socket) => intake.watch(socket))
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // What fails before HTTP began is no request.
    if (error.code?.startsWith('HPE_') || error.code === 'ERR_HTTP_REQUEST_TIMEOUT') intake.unparsed(error, socket)
    else socket.destroy()
  })
  const endUpdates = identity.onChange((changed) => server.setSecureContext(contextOf(changed)))
  try {
    await intake.open(server, { host: at.host, port: at.port }, `${at.host}:${at.port}`)
  } catch (error) {
    endUpdates()
    throw error
  }
  return { ...addressOf(server.address(), 'https'), stop: endUpdates }
}

/** The authorities are all that are believed for anybody; which of them for whom is decided of each peer. */
function contextOf({ certificates, key, bundles }: X509Identity): SecureContextOptions {
  return {
    cert: certificates,
    key,
    ca: [...bundles.values()],
    minVersion: 'TLSv1.2',
    // No session is taken up again, and none changes its certificate in the middle.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  }
}

/** Our own SVID, or nothing when there is none; each change of that is logged once. */
function createOwnSvid(identity: WorkloadIdentity, log: Logger): () => X509Identity | undefined {
  let away = false
  return () => {
    try {
      const current = identity.current()
      if (away) log.info('there is a valid SVID of our own again', { spiffeId: current.spiffeId })
      away = false
      return current
    } catch (error) {
      if (!away) log.error('no SVID of our own is valid: workloads are not served', { code: 'svid_unavailable', error })
      away = true
      return undefined
    }
  }
}
