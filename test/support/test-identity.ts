import type { SpiffeId } from '@gatehouse/contracts'
import { readJwtBundle, verifyJwtSvid } from '../../companion/packages/kit/src/spiffe/jwt-svid.ts'
import { SpiffeError } from '../../companion/packages/kit/src/spiffe/spiffe-error.ts'
import type { WorkloadIdentity, X509Identity } from '../../companion/packages/kit/src/spiffe/workload-identity.ts'
import type { SvidOptions, TestSvid, TrustDomain } from './svid.ts'

/** A workload's identity as SPIRE would give it, which a test rotates, expires and takes away. */
export class TestIdentity implements WorkloadIdentity {
  #current: X509Identity | undefined
  readonly #domains: TrustDomain[]
  readonly #path: string
  readonly #listeners = new Set<(identity: X509Identity) => void>()

  private constructor(path: string, domains: readonly TrustDomain[]) {
    this.#path = path
    this.#domains = [...domains]
  }

  /** @param federated further trust domains whose workloads are believed */
  static async of(domain: TrustDomain, path: string, federated: readonly TrustDomain[] = []): Promise<TestIdentity> {
    const identity = new TestIdentity(path, [domain, ...federated])
    await identity.rotate()
    return identity
  }

  current(): X509Identity {
    if (!this.#current || this.#current.expiresAt <= Date.now())
      throw new SpiffeError('svid_unavailable', 'there is no SVID that has not expired')
    return this.#current
  }

  onChange(listener: (identity: X509Identity) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async verifyJwt(token: string, audience: string): Promise<SpiffeId> {
    if (this.#domains.length === 0) throw new SpiffeError('svid_unavailable', 'there is no bundle')
    const bundles = new Map(this.#domains.map(({ name, jwks }) => [name, readJwtBundle(JSON.stringify(jwks))]))
    return verifyJwtSvid(token, { audience, authorities: (name) => bundles.get(name), now: Date.now() })
  }

  /** A new SVID with a new key. `{ life: -1 }` gives one that has expired: what a process holds whose SPIRE is gone. */
  async rotate(options?: SvidOptions): Promise<TestSvid> {
    const [domain] = this.#domains
    if (!domain) throw new Error('there is no trust domain left')
    const svid = await domain.svid(this.#path, options)
    this.#current = {
      spiffeId: svid.spiffeId,
      certificates: svid.certificates,
      key: svid.key,
      expiresAt: svid.expiresAt,
      bundles: this.#bundles(),
    }
    this.#tell()
    return svid
  }

  /** Believes workloads of `domain` from now on. */
  federate(domain: TrustDomain): void {
    this.#domains.push(domain)
    this.#renew()
  }

  /** Believes them no longer. */
  unfederate(domain: TrustDomain): void {
    this.#domains.splice(this.#domains.indexOf(domain), 1)
    this.#renew()
  }

  /** The SVID is past its time, and no other is to be had. */
  expire(): void {
    if (this.#current) this.#current = { ...this.#current, expiresAt: 0 }
  }

  close(): void {
    this.#listeners.clear()
  }

  #bundles(): ReadonlyMap<string, string> {
    return new Map(this.#domains.map(({ name, bundle }) => [name, bundle]))
  }

  #renew(): void {
    if (this.#current) this.#current = { ...this.#current, bundles: this.#bundles() }
    this.#tell()
  }

  #tell(): void {
    if (!this.#current) return
    for (const listener of this.#listeners) listener(this.#current)
  }
}
