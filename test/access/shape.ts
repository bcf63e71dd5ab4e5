import type { AuditEvent } from '@gatehouse/contracts'
import type { TestIdentity } from '../support/test-identity.ts'
import type { TrustDomain } from '../support/svid.ts'
import type { TestIssuer } from '../support/issuer.ts'
import type { Runs } from './servers/offers.ts'
import type { ServerName } from './servers/definitions.ts'

/** One way to deploy the servers of the world; what callers meet must be the same in each. */
export interface Shape {
  readonly kind: 'kit' | 'envoy'
  readonly issuer: TestIssuer
  readonly domain: TrustDomain
  readonly runs: Runs
  /** The identity of the servers themselves in the mesh. */
  readonly identity: TestIdentity
  /** Address of a server's MCP endpoint, as callers know it: the audience of tokens and the `htu` of proofs. */
  readonly endpoint: (server: ServerName) => string
  /** The same over mutual TLS, for workloads. */
  readonly workloadEndpoint: (server: ServerName) => string
  /** What was recorded so far, by the servers or by what stands before them. Grows at its end. */
  readonly audit: readonly AuditEvent[]
  stop(): Promise<void>
}
