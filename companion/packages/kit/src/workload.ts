/** What a service needs that calls servers with no person in the loop: light, without policy engine and server. */
export { createLogger, type Logger } from './http/log.ts'
export {
  type CallingWorkload,
  openWorkloadIdentity,
  type WorkloadIdentityOptions,
} from './spiffe/open-workload-identity.ts'
export { SpiffeError } from './spiffe/spiffe-error.ts'
export type { X509Identity } from './spiffe/workload-identity.ts'
export { verifyX509Svid } from './spiffe/x509-svid.ts'
