import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { type Digest, policyDigest, ServerId } from '@gatehouse/contracts'
import { getRequestListener } from '@hono/node-server'
import { createMcpHandler, type McpHttpHandler } from '@modelcontextprotocol/server'
import { DefinitionError } from '../authoring/definition-error.ts'
import { createPolicy } from '../decide/policy.ts'
import { createLogger } from '../http/log.ts'
import { HttpProblem, problemResponse } from '../http/problem.ts'
import { Running } from '../http/running.ts'
import { createAuthenticator } from '../identity/authenticator.ts'
import type { PeerHandler } from '../identity/peer.ts'
import type { ListKind } from '../record/changes.ts'
import { createRecordGate } from '../record/gate.ts'
import { createTelemetry } from '../telemetry/telemetry.ts'
import { createAdmission } from './admission.ts'
import { createApp } from './app.ts'
import { arrivalOf } from './arrival.ts'
import type { Serving } from './call.ts'
import { checkConfig, DEFAULT_LIMITS, type ServerConfig } from './config.ts'
import type { ServerDefinition } from './definition.ts'
import { createEndpoint } from './endpoint.ts'
import { createGuard } from './guard.ts'
import { createLegacySessions } from './legacy-sessions.ts'
import { openListeners } from './listeners.ts'
import { createMcpServer } from './mcp-server.ts'
import { createRefusalAudit } from './refusal-audit.ts'
import { createStateSeal, STATE_KEY_BYTES } from './request-state.ts'
import { ownPolicy } from './own-policy.ts'
import { openStorage } from './storage.ts'
import { Subscriptions } from './subscriptions.ts'
import { createToolTable } from './tool-table.ts'
import { openWorkloads } from './workloads.ts'

export interface RunningServer {
  /** Public address; the MCP endpoint is `${url}/mcp`. */
  readonly url: string
  /** `https://HOST:PORT` of the listener for workloads, if there is one. */
  readonly mtlsUrl?: string
  readonly surfaceDigest: Digest
  /** Takes no new call, lets running ones finish, aborts the rest, and gives back everything. */
  stop(): Promise<void>
}

/** Path of the MCP endpoint. */
const ENDPOINT = '/mcp'
/** How long aborted calls may take to end, milliseconds. */
const ABORT_GRACE = 3_000
/** How long the last answers may be on their way out, milliseconds. */
const ANSWER_GRACE = 1_000

/**
 * Starts a server. It serves calls once the registry has given it a valid record of itself, and not before.
 * @throws GatehouseError for what keeps it from starting: `tool_without_policy`, `policy_invalid`, `port_in_use`, `database_required`, …
 */
export async function startServer(
  definition: ServerDefinition,
  config: ServerConfig,
  signal?: AbortSignal,
): Promise<RunningServer> {
  const { id, title, version, instructions } = definition
  if (!ServerId.safeParse(id).success) throw new DefinitionError('server_invalid', `${id} is no server id`)
  checkConfig(config)
  const log = config.log ?? createLogger(id)
  const given: Disposer[] = []
  try {
    const starting = signal ?? new AbortController().signal
    const table = createToolTable(
      definition.toolsClass instanceof Array ? definition.toolsClass : definition.toolsClass.prototype,
      instructions,
    )
    const own = ownPolicy(definition, table)
    const policy = createPolicy(own)
    let changed: (uri: string) => void = () => undefined
    const storage = await openStorage(id, table, config, log)
    given.push(() => storage.close())
    const started = await definition.start({
      data: config.data,
      signal: starting,
      resourceChanged: (uri) => changed(uri),
    })
    given.push(() => started.dispose())
    const running = createToolTable(started.tools, instructions)
    if (running.digest !== table.digest)
      throw new DefinitionError('server_invalid', 'start() returns other tools than toolsClass declares')

    const limits = { ...DEFAULT_LIMITS, ...config.limits }
    const admission = createAdmission(limits)
    const inFlight = new Running()
    let draining = false
    let handler: PeerHandler = (_request, response) => void response.writeHead(503).end()
    const workloads = await openWorkloads(config, log, starting)
    given.push(() => workloads.close())
    const auditRefusal = createRefusalAudit(id, storage.journal)
    const listening = await openListeners((request, response, peer) => handler(request, response, peer), {
      config,
      limits,
      drain: (config.drain ?? 10_000) + ABORT_GRACE,
      workloads: workloads.identity,
      unparsed: (refused) => void auditRefusal({ ...refused, startedAt: Date.now() }),
      log,
    })
    given.push(() => listening.stop())
    const url = config.publicUrl ?? listening.plain.url
    const endpoint = `${url}${ENDPOINT}`

    const gate = createRecordGate({
      id,
      url: endpoint,
      surfaceDigest: table.digest,
      policyDigest: policyDigest(own),
      registry: config.registry,
      log,
    })
    const telemetry = createTelemetry({
      service: `gatehouse-${id}`,
      version,
      ...(config.otlpEndpoint !== undefined && { otlpEndpoint: config.otlpEndpoint }),
    })
    given.push(() => telemetry.shutdown())
    telemetry.gauge({ name: 'gatehouse.calls.running', description: 'Calls that run', read: admission.running })
    telemetry.gauge({ name: 'gatehouse.calls.waiting', description: 'Calls that wait', read: admission.waiting })
    telemetry.gauge({
      name: 'gatehouse.http.requests',
      description: 'Requests and streams that are open',
      read: listening.requests,
    })
    telemetry.gauge({
      name: 'gatehouse.http.connections',
      description: 'Connections that are open',
      read: listening.connections,
    })
    telemetry.gauge({
      name: 'gatehouse.audit.waiting',
      description: 'Audit events that wait here for the registry',
      read: storage.journal.waiting,
    })
    telemetry.gauge({
      name: 'gatehouse.audit.set_aside',
      description: 'Audit events that the registry does not take, kept here',
      read: storage.setAside,
    })
    const stopping = new AbortController()
    const serving: Serving = {
      id,
      url: endpoint,
      table: running,
      policy,
      gate,
      ledger: storage.ledger,
      journal: storage.journal,
      telemetry,
      limits,
      seal: createStateSeal(config.stateKey ?? randomBytes(STATE_KEY_BYTES)),
      log,
      stopping: stopping.signal,
      begin: () => inFlight.begin(),
    }
    const identity = { id, title, version, instructions }
    const modern = createMcpHandler((ctx) => createMcpServer(serving, identity, 'modern', arrivalOf(ctx.authInfo)), {
      legacy: 'reject',
    })
    const legacy = createLegacySessions({
      createServer: (arrival, subscriptions) => createMcpServer(serving, identity, 'legacy', arrival, subscriptions),
      createSubscriptions: () => new Subscriptions(serving),
    })
    changed = (uri) => legacy.resourceChanged(uri)
    gate.onChange((list) => {
      legacy.listChanged(list)
      notifyModern(modern, list)
    })
    given.push(async () => {
      await Promise.all([modern.close(), legacy.close()])
    })
    const guard = createGuard(url, listening.plain.port, config.allowedOrigins ?? [])
    const behindEdge = config.edgeSocket !== undefined || config.edgeId !== undefined
    const mcp = createEndpoint({
      serving,
      identity,
      guard,
      authenticator: createAuthenticator({
        issuer: config.issuer,
        audience: endpoint,
        clients: () => gate.current().record.clients,
        edge: behindEdge ? { id: config.edgeId } : undefined,
        workloads: workloads.identity,
      }),
      admission,
      auditRefusal,
      modern,
      legacy,
      draining: () => draining,
    })
    const app = createApp({ serving, title, issuer: config.issuer, guard, draining: () => draining })
    const others = getRequestListener(app.fetch, { overrideGlobalObjects: false, errorHandler: notUnderstood })
    const prefix = new URL(url).pathname.replace(/\/$/, '')
    handler = (request, response, peer) => {
      stripPrefix(request, prefix)
      if (pathOf(request) === ENDPOINT) mcp(request, response, peer)
      else void others(request, response)
    }
    await gate.start()
    given.push(() => gate.stop())

    return {
      url,
      ...(listening.mtls && { mtlsUrl: listening.mtls.url }),
      surfaceDigest: table.digest,
      async stop() {
        if (draining) return
        draining = true
        // It goes on listening: a refusal with a hint when to come back serves a client better than a connection that fails.
        listening.drain()
        admission.close()
        legacy.closeStreams()
        await inFlight.settled(config.drain ?? 10_000)
        stopping.abort()
        await inFlight.settled(ABORT_GRACE)
        await listening.settled(ANSWER_GRACE)
        await dispose(given)
      },
    }
  } catch (error) {
    await dispose(given)
    throw error
  }
}

/** Whoever listens is told that a list may have changed, not what: each caller's own list says that. */
function notifyModern({ notify }: McpHttpHandler, list: ListKind): void {
  switch (list) {
    case 'tools':
      return notify.toolsChanged()
    case 'prompts':
      return notify.promptsChanged()
    case 'resources':
      return notify.resourcesChanged()
  }
}

/** A public URL may have a path, which an edge takes away before it passes a request on; whoever comes without an edge sends the whole. */
function stripPrefix(request: IncomingMessage, prefix: string): void {
  if (prefix !== '' && request.url?.startsWith(`${prefix}/`)) request.url = request.url.slice(prefix.length)
}

/** Of an address that is none, which the routes never get to see. */
function notUnderstood(): Response {
  return problemResponse(new HttpProblem(400, 'http_malformed', 'this is not a request that can be understood'))
}

function pathOf({ url = '' }: IncomingMessage): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

type Disposer = () => void | Promise<void>

/** In reverse order; one that fails does not keep the others. */
async function dispose(disposers: Disposer[]): Promise<void> {
  for (const disposer of disposers.reverse()) {
    try {
      await disposer()
    } catch {
      // What could not be closed ends with the process.
    }
  }
}
