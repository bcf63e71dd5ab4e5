import type { Logger } from '../http/log.ts'
import { openWorkloadIdentity } from '../spiffe/open-workload-identity.ts'
import type { WorkloadIdentity } from '../spiffe/workload-identity.ts'
import type { ServerConfig } from './config.ts'

/** Nobody gave an identity: the server is no part of a mesh. */
const NONE = { identity: undefined, close: () => undefined }

/**
 * This server's identity among workloads, from who started it or from the Workload API; with the latter it waits for the first SVID.
 * @throws SpiffeError `workload_api_failed`
 */
export async function openWorkloads(
  { workloadIdentity, workloadSocket }: ServerConfig,
  log: Logger,
  signal: AbortSignal,
): Promise<{ readonly identity: WorkloadIdentity | undefined; close(): void }> {
  if (workloadIdentity) return { identity: workloadIdentity, close: () => undefined }
  if (workloadSocket === undefined) return NONE
  log.info('waiting for an SVID of the Workload API', { socket: workloadSocket })
  const identity = await openWorkloadIdentity({ socket: workloadSocket, log, signal })
  return { identity, close: () => identity.close() }
}
