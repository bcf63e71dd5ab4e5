import type { SpiffeId } from '@gatehouse/contracts'
import type { Logger } from '../http/log.ts'
import { followStream } from './followed-stream.ts'
import { type JwtAuthorities, readJwtBundle, verifyJwtSvid } from './jwt-svid.ts'
import { SpiffeError } from './spiffe-error.ts'
import { connectWorkloadApi } from './workload-api-client.ts'
import { readJwtAnswer, readJwtBundlesUpdate } from './workload-api-messages.ts'
import type { WorkloadIdentity, X509Identity } from './workload-identity.ts'
import { readX509Identity, trustDomainName } from './x509-update.ts'

export interface WorkloadIdentityOptions {
  /** `unix:///absolute/path` of the Workload API (`SPIFFE_ENDPOINT_SOCKET`). */
  readonly socket: string
  readonly log: Logger
  /** Ends the waiting for the first SVID. */
  readonly signal?: AbortSignal
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  /** Milliseconds that the Workload API has for the first message of a stream. */
  readonly patience?: number
}

/** The identity of a process that also calls others. */
export interface CallingWorkload extends WorkloadIdentity {
  /**
   * A JWT-SVID of ours for one audience, for callers that cannot use mutual TLS.
   * @throws SpiffeError `svid_unavailable`
   */
  fetchJwt(audience: string, signal?: AbortSignal): Promise<string>
}

/** Of an SVID's life, the share that is left when a new one should long be there; SPIRE renews at half. */
const OVERDUE = 0.25
const LONGEST_TIMER = 2 ** 31 - 1

/**
 * Who this process is, from the SPIFFE Workload API, kept current until it is closed. Away from it, the last SVID and bundles are used until that SVID
 * expires; denied by it, they are dropped at once.
 * @returns once the first SVID is there
 * @throws SpiffeError `workload_api_failed` when it may not be asked, or `signal` ended the waiting
 */
export async function openWorkloadIdentity(options: WorkloadIdentityOptions): Promise<CallingWorkload> {
  const { socket, log, signal, now = Date.now, patience } = options
  const api = connectWorkloadApi(socket)
  const listeners = new Set<(identity: X509Identity) => void>()
  const first = Promise.withResolvers<void>()
  const firstBundles = Promise.withResolvers<void>()
  let identity: X509Identity | undefined
  let authorities: ReadonlyMap<string, JwtAuthorities> = new Map()
  let overdue: NodeJS.Timeout | undefined

  const common = { log, ...(patience !== undefined && { patience }) }
  const svids = followStream({
    ...common,
    name: 'X.509-SVIDs',
    open: () => api.x509Svids(),
    onMessage(message) {
      identity = readX509Identity(message, now())
      log.info('an SVID is in use', {
        spiffeId: identity.spiffeId,
        expiresAt: new Date(identity.expiresAt).toISOString(),
      })
      watch(identity)
      first.resolve()
      for (const listener of listeners) listener(identity)
    },
    onDenied() {
      identity = undefined
    },
    onStopped: (cause) =>
      first.reject(new SpiffeError('workload_api_failed', 'the Workload API refuses to be asked', { cause })),
  })
  const bundles = followStream({
    ...common,
    name: 'JWT bundles',
    open: () => api.jwtBundles(),
    onMessage(message) {
      const update = Object.entries(readJwtBundlesUpdate(message).bundles)
      authorities = new Map(update.map(([id, bundle]) => [trustDomainName(id), readJwtBundle(bundle.toString('utf8'))]))
      firstBundles.resolve()
    },
    onDenied() {
      authorities = new Map()
      firstBundles.resolve()
    },
    // A company may have switched JWT-SVIDs off.
    onStopped() {
      authorities = new Map()
      firstBundles.resolve()
    },
  })

  /** A stream can hang without an end: when a new SVID is overdue, all is asked for anew. */
  function watch({ expiresAt }: X509Identity): void {
    clearTimeout(overdue)
    const left = expiresAt - now()
    overdue = setTimeout(renew, Math.min(left * (1 - OVERDUE), LONGEST_TIMER)).unref()
  }

  function renew(): void {
    svids.renew()
    bundles.renew()
    if (identity && identity.expiresAt > now())
      overdue = setTimeout(renew, Math.max((identity.expiresAt - now()) / 2, 1_000)).unref()
  }

  function current(): X509Identity {
    if (identity && identity.expiresAt > now()) return identity
    throw new SpiffeError(
      'svid_unavailable',
      identity ? 'the SVID has expired and the Workload API gave no other' : 'the Workload API gave no SVID',
    )
  }

  async function verifyJwt(token: string, audience: string): Promise<SpiffeId> {
    // Bundles bear no time of their own: they are as fresh as the SVID that came with them.
    current()
    if (authorities.size === 0) throw new SpiffeError('svid_unavailable', 'the Workload API gave no JWT authorities')
    return verifyJwtSvid(token, { audience, authorities: (name) => authorities.get(name), now: now() })
  }

  function close(): void {
    clearTimeout(overdue)
    listeners.clear()
    svids.close()
    bundles.close()
    api.close()
  }

  try {
    await ended(Promise.all([first.promise, firstBundles.promise]), signal)
  } catch (error) {
    close()
    throw error
  }
  return {
    current,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    verifyJwt,
    async fetchJwt(audience, abort) {
      const { spiffeId } = current()
      try {
        const { svids: found } = readJwtAnswer(await api.jwtSvid(audience, spiffeId, abort))
        const own = found.find((one) => one.spiffeId === spiffeId)
        if (own) return own.svid
      } catch (cause) {
        throw new SpiffeError('svid_unavailable', 'the Workload API gave no JWT-SVID', { cause })
      }
      throw new SpiffeError('svid_unavailable', 'the Workload API gave a JWT-SVID of another id')
    },
    close,
  }
}

async function ended(done: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) {
    await done
    return
  }
  const aborted = Promise.withResolvers<never>()
  const abort = () =>
    aborted.reject(
      new SpiffeError('workload_api_failed', 'the Workload API gave no SVID in time', { cause: signal.reason }),
    )
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  await Promise.race([done, aborted.promise]).finally(() => signal.removeEventListener('abort', abort))
}
