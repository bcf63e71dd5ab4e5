import type { ServerRecord, SpiffeId } from '@gatehouse/contracts'

export interface EdgeOptions {
  /** Full path of the folder that will hold the files: Envoy watches it. */
  readonly folder: string
  /** Records of another environment are refused: an edge never mixes them. */
  readonly environment: ServerRecord['environment']
  /** Origin by which clients know the edge. */
  readonly publicUrl: string
  readonly listen: { readonly host: string; readonly port: number }
  /** What the edge shows to clients, PEM files; absent: plain HTTP, for this machine or behind a load balancer that has TLS. */
  readonly tls?: CertificateFiles | undefined
  readonly issuer: {
    /** `iss` of the tokens. */
    readonly issuer: string
    readonly jwksUri: string
  }
  readonly servers: readonly EdgeServer[]
  /** Who the edge is to the servers; needed by those over mutual TLS. */
  readonly identity?: EdgeIdentity | undefined
  /** Authorities by which the issuer's own certificate is verified, a PEM file. */
  readonly authorities?: string | undefined
  /** Seconds after which the issuer's keys are fetched anew. Default 10: that long a rotated key may be unknown. */
  readonly keysRefresh?: number | undefined
  /** Seconds that a request may stand still, where it is no request to an MCP endpoint, which may stream. Default 60. */
  readonly idleTime?: number | undefined
  readonly rates?: Partial<EdgeRates> | undefined
}

/** A server behind the edge, with its verified record. Its path at the edge is that of the record's URL. */
export interface EdgeServer {
  readonly record: ServerRecord
  readonly upstream: Upstream
}

export type Upstream =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'mutual-tls'; readonly host: string; readonly port: number; readonly spiffeId: SpiffeId }

export type EdgeIdentity =
  /** From SPIRE's agent, which rotates it. */
  | { readonly kind: 'spire'; readonly agentSocket: string; readonly spiffeId: SpiffeId }
  /** From files that are replaced when they are rotated: the certificate is the SVID, and the bundle the authorities of the servers' trust domain. */
  | ({ readonly kind: 'files'; readonly bundle: string } & CertificateFiles)

/** PEM files. */
interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

/** Of one address, at one server; requests in a second, and at once. */
export interface EdgeRates {
  readonly requests: Rate
  /** Calls of tools, where the era says in a header that it is one. */
  readonly calls: Rate
}
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/** Far more than a person's clients send, and less than what one process of a server answers. */
export const DEFAULT_RATES: EdgeRates = {
  requests: { perSecond: 1_000, burst: 3_000 },
  calls: { perSecond: 500, burst: 1_500 },
}

/** Addresses counted at once; the least recent is forgotten. */
export const RATED_ADDRESSES = 10_000
