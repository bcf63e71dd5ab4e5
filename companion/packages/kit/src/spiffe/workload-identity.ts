import type { SpiffeId } from '@gatehouse/contracts'

/** An X.509-SVID with its key, and whom to believe (SPIFFE Workload API section 5). */
export interface X509Identity {
  readonly spiffeId: SpiffeId
  /** The leaf and its intermediates, PEM. */
  readonly certificates: string
  /** PKCS #8, PEM. */
  readonly key: string
  /** Authorities by the name of their trust domain, PEM: the own one and those it is federated with. */
  readonly bundles: ReadonlyMap<string, string>
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** Who this process is in the mesh, kept current. */
export interface WorkloadIdentity {
  /** The newest SVID, also while the Workload API is away. @throws SpiffeError `svid_unavailable` when there is none that has not expired */
  current(): X509Identity
  /** Called with each new SVID or bundle. @returns an end to it */
  onChange(listener: (identity: X509Identity) => void): () => void
  /**
   * The workload that a JWT-SVID speaks for (JWT-SVID sections 3 and 4): signature by its trust domain's bundle, `aud` exactly `audience`, time.
   * @throws SpiffeError `svid_invalid`, `svid_expired`, `svid_unavailable`
   */
  verifyJwt(token: string, audience: string): Promise<SpiffeId>
  close(): void
}
