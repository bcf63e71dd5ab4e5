import { X509Certificate } from 'node:crypto'
import type { Server as HttpsServer } from 'node:https'
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'

/** Certificates of a peer that are looked at; a longer chain leads nowhere. */
const LONGEST_CHAIN = 8

/**
 * The certificates that a client showed, the leaf first; none when it showed none. Node puts the authority at their end when it knows it.
 *
 * Node 24.21 is one of those whose server loses the intermediate ones in the moment in which it says that the handshake is over
 * (nodejs/node#65579), so they are read just before. The one event that tells of a connection in time is `keylog`; the keys in it are not looked at.
 */
export function watchPeerChains(server: HttpsServer): (socket: TLSSocket) => readonly X509Certificate[] {
  const chains = new WeakMap<TLSSocket, readonly X509Certificate[]>()
  server.on('keylog', (_keys, socket) => {
    if (chains.has(socket)) return
    chains.set(socket, [])
    socket.prependOnceListener('secure', () => chains.set(socket, chainOf(socket)))
  })
  return (socket) => chains.get(socket) ?? []
}

function chainOf(socket: TLSSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = []
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  // Without a certificate it is an empty object.
  while (next?.raw && chain.length < LONGEST_CHAIN) {
    chain.push(new X509Certificate(next.raw))
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate
  }
  return chain
}
