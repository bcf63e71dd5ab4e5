import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { SpiffeId } from '@gatehouse/contracts'
import { SpiffeError } from '../spiffe/spiffe-error.ts'
import type { X509Identity } from '../spiffe/workload-identity.ts'
import { verifyX509Svid } from '../spiffe/x509-svid.ts'
import type { PeerSvid } from './peer.ts'

interface Verified {
  readonly spiffeId: SpiffeId
  /** The authorities by which it was verified. */
  readonly bundles: X509Identity['bundles']
  /** When the first certificate of the chain expires, milliseconds since the epoch. */
  readonly until: number
}

/**
 * Who is at the other end of a TLS connection. It is verified once for a connection, and again when a certificate's time is over or other
 * authorities are to be believed: a connection that stays open keeps nobody in.
 */
export function createPeerSvids(
  chainOf: (socket: TLSSocket) => readonly X509Certificate[],
): (socket: TLSSocket, bundles: X509Identity['bundles'], now: number) => PeerSvid {
  const known = new WeakMap<TLSSocket, Verified>()
  return (socket, bundles, now) => {
    const before = known.get(socket)
    if (before && before.bundles === bundles && now < before.until)
      return { kind: 'verified', spiffeId: before.spiffeId }
    known.delete(socket)
    const chain = chainOf(socket)
    if (chain.length === 0) return refused('svid_missing', 'the workload shows no certificate')
    try {
      const spiffeId = verifyX509Svid(chain, bundles, now)
      // What else RFC 5280 section 6 asks of a chain, OpenSSL has checked.
      if (!socket.authorized) return refused('svid_invalid', 'the certificate was not accepted')
      // A session that is taken up again skips the certificate; none is offered here.
      if (socket.isSessionReused()) return refused('svid_invalid', 'a TLS session may not be taken up again')
      const until = Math.min(...chain.map(({ validToDate }) => validToDate.getTime()))
      known.set(socket, { spiffeId, bundles, until })
      return { kind: 'verified', spiffeId }
    } catch (error) {
      if (!(error instanceof SpiffeError)) throw error
      return refused(error.code === 'svid_expired' ? 'svid_expired' : 'svid_invalid', error.message)
    }
  }
}

function refused(code: Extract<PeerSvid, { kind: 'refused' }>['code'], message: string): PeerSvid {
  return { kind: 'refused', code, message }
}
