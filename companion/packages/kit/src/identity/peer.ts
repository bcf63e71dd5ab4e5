import type { IncomingMessage, ServerResponse } from 'node:http'
import type { SpiffeId } from '@gatehouse/contracts'

/** What a certificate of the other side showed, looked at anew for each request. */
export type PeerSvid =
  | { readonly kind: 'verified'; readonly spiffeId: SpiffeId }
  | {
      readonly kind: 'refused'
      readonly code: 'svid_missing' | 'svid_invalid' | 'svid_expired'
      readonly message: string
    }

/** Who is at the other end of a connection, as far as the transport itself says so. */
export type Peer =
  /** Over a socket that is open to all: nobody in particular. */
  | { readonly kind: 'anyone' }
  /** Over the socket file that the edge alone may open. */
  | { readonly kind: 'edge-socket' }
  | { readonly kind: 'mutual-tls'; readonly svid: PeerSvid }

export type PeerHandler = (request: IncomingMessage, response: ServerResponse, peer: Peer) => void
