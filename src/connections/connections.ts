import type { CallStep, ServerRecord } from '@gatehouse/contracts'
import { type Implementation, preloadSchemas } from '@modelcontextprotocol/client'
import type { Catalog } from '../catalog/types.ts'
import type { PlanEntry, Plans } from '../plans/types.ts'
import type { Session } from '../session/types.ts'
import { createAccess } from './access.ts'
import type { Elicit } from './elicitation.ts'
import { ConnectionError } from './errors.ts'
import { type ConnectionLimits, createServerConnection, type ServerConnection } from './server-connection.ts'
import { wasSent } from './approved-step.ts'
import { createReading } from './reading.ts'
import type { CheckedSurface } from './surface.ts'
import { createCaller } from './tool-call.ts'
import type { Connections, ConnectionsLog } from './types.ts'

export interface ConnectionsOptions {
  readonly catalog: Catalog
  readonly session: Session
  readonly plans: Plans
  readonly clientInfo: Implementation
  readonly elicit: Elicit
  readonly log: ConnectionsLog
  readonly now?: () => number
  readonly limits?: ConnectionLimits & {
    /** Milliseconds between tries of an approved step under its one receipt. Default 1,000. */
    readonly pause?: number
  }
}

export function createConnections(options: ConnectionsOptions): Connections {
  const { catalog, session, plans } = options
  // Made now, while the list is on its way, rather than when every server is met at once.
  setImmediate(preloadSchemas)
  const pool = new Map<string, ServerConnection>()
  const listeners = new Set<() => void>()
  const closing = new AbortController()
  const access = createAccess(catalog, session)
  const caller = createCaller({
    plans,
    session,
    access,
    connection,
    log: options.log,
    pause: options.limits?.pause ?? 1000,
    closing: closing.signal,
  })
  const reading = createReading({ access, session, connection, closing: closing.signal })
  const stopCatalog = catalog.onChange(() => {
    closeUnlisted()
    notify()
  })
  const stopSession = session.onChange((state) => {
    if (state.kind === 'signed-out') closeUnlisted()
  })
  const stopOrphans = plans.onOrphanApproved((entry, step) => void runWhenListed(entry, step))

  return {
    health: (server) => pool.get(server)?.health() ?? { kind: 'idle' },
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    tools: (server, signal) => offered(server, signal, ({ tools }) => tools),
    prompts: (server, signal) => offered(server, signal, ({ prompts }) => prompts),
    resources: (server, signal) => offered(server, signal, ({ resources }) => resources),
    getPrompt: (request) => reading.getPrompt(request),
    readResource: (request) => reading.readResource(request),
    instructions: (server) => pool.get(server)?.checked()?.instructions,
    call: (call) => caller.call(call),
    async dispose() {
      stopOrphans()
      stopCatalog()
      stopSession()
      listeners.clear()
      closing.abort(new ConnectionError('disposed', 'Gatehouse is closing.'))
      await Promise.all([...pool.values()].map((item) => item.close()))
      pool.clear()
    },
  }

  /** By name or place, sorted. */
  async function offered<T>(
    server: string,
    signal: AbortSignal | undefined,
    pick: (surface: CheckedSurface) => ReadonlyMap<string, T>,
  ): Promise<readonly T[]> {
    const record = recordOf(server)
    if (!record) return []
    const surface = await connection(server).surface(record, { signal, eager: false })
    return [...pick(surface)].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item)
  }

  function connection(server: string): ServerConnection {
    const existing = pool.get(server)
    if (existing) return existing
    const created = createServerConnection({
      id: server,
      session,
      clientInfo: options.clientInfo,
      elicit: options.elicit,
      limits: options.limits ?? {},
      log: options.log,
      now: options.now ?? Date.now,
      record: () => recordOf(server),
      changed: notify,
    })
    pool.set(server, created)
    return created
  }

  function recordOf(server: string): ServerRecord | undefined {
    return session.state().kind === 'signed-in' ? catalog.find(server)?.record : undefined
  }

  /**
   * After a start the sign-in and the list may still be on their way; the step waits for them. One that was sent before a reload waits for
   * the person to sign in too, since its outcome is at the server.
   */
  async function runWhenListed(entry: PlanEntry, step: CallStep): Promise<void> {
    const settled = Promise.withResolvers<void>()
    const check = () => {
      if (!isOnItsWay(wasSent(entry, step))) settled.resolve()
    }
    const stops = [catalog.onChange(check), session.onChange(check)]
    closing.signal.addEventListener('abort', () => settled.resolve(), { once: true })
    check()
    await settled.promise
    for (const stop of stops) stop()
    if (!closing.signal.aborted) await caller.runOrphan(entry, step)
  }

  function isOnItsWay(sent: boolean): boolean {
    const person = session.state().kind
    if (person === 'signed-out') return sent
    if (person !== 'signed-in') return true
    const list = catalog.state().kind
    return list === 'loading' || list === 'signed-out'
  }

  function closeUnlisted(): void {
    for (const [server, item] of pool) {
      if (recordOf(server)) continue
      pool.delete(server)
      void item.close()
    }
  }

  function notify(): void {
    for (const listener of [...listeners]) listener()
  }
}
