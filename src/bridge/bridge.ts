import type { IncomingMessage, ServerResponse } from 'node:http'
import { timingSafeEqual } from 'node:crypto'
import { parseStrictJson } from '@gatehouse/contracts'
import type { Catalog } from '../catalog/types.ts'
import type { Connections } from '../connections/types.ts'
import type { Plans } from '../plans/types.ts'
import { type DefinitionShape, definitionsOf } from './definitions.ts'
import { type EditorSdk, loadEditorSdk } from './editor-sdk.ts'
import { listen } from './listener.ts'
import { type McpSession, openMcpSession } from './mcp-session.ts'
import { createSecrets, secretHash } from './secrets.ts'
import type { Bridge, BridgeDefinition, BridgeLog } from './types.ts'

export interface BridgeOptions {
  readonly connections: Connections
  readonly catalog: Catalog
  readonly plans: Plans
  /** Short path of a folder that is this person's alone; made if it is not there. */
  readonly runtimeDir: string
  readonly log: BridgeLog
  /** Version of the extension. */
  readonly version: string
}

const MAX_BODY = 4 * 1024 * 1024
const MAX_SESSIONS = 100
/** Changes within this time are told once, milliseconds. */
const SETTLE = 50
/** Milliseconds that the first answer of a session waits for a server. */
const INSTRUCTIONS_LIMIT = 2000

interface OpenSession {
  readonly session: McpSession
  readonly definition: string
  /** Hash of the secret that opened it: it stays good for this session when a new start rotates it. */
  readonly secret: Buffer
}

/** Offers the approved servers to the editor's own chat. @throws when neither a socket nor a port can be listened on */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const { catalog, connections, plans, log } = options
  const secrets = createSecrets()
  const sessions = new Map<string, OpenSession>()
  const listeners = new Set<() => void>()
  let sdk: Promise<EditorSdk> | undefined
  let shapes = currentShapes()
  let timer: NodeJS.Timeout | undefined
  const listener = await listen(options.runtimeDir, (request, response) => {
    handle(request, response).catch(() => {
      log({ level: 'error', code: 'bridge_request', message: 'A request of the editor failed.' })
      if (!response.headersSent) answer(response, 500)
      else response.end()
    })
  })
  const stopCatalog = catalog.onChange(changed)
  const stopConnections = connections.onChange(changed)

  return {
    definitions: () => shapes.map((shape) => definition(shape, {})),
    onChange(added) {
      listeners.add(added)
      return () => void listeners.delete(added)
    },
    resolve(id) {
      const shape = shapes.find((item) => item.id === id)
      return shape && definition(shape, { Authorization: `Bearer ${secrets.issue(id)}` })
    },
    async dispose() {
      stopCatalog()
      stopConnections()
      clearTimeout(timer)
      listeners.clear()
      await Promise.all([...sessions.values()].map(({ session }) => session.close()))
      await listener.close()
    },
  }

  function definition(shape: DefinitionShape, headers: Readonly<Record<string, string>>): BridgeDefinition {
    const { id, server, side, label, version } = shape
    return { id, server, side, label, version, uri: listener.uri(shape.path), headers }
  }

  /**
   * Whatever is not meant for us is answered with 404, a bad secret too: a 401 or 403 would make VS Code start OAuth discovery and a
   * modal. Every refusal comes before any effect, because VS Code repeats a call that was answered with 404.
   */
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const shape = shapes.find(({ path }) => path === request.url)
    const shown = secretHash(request.headers.authorization)
    if (request.headers.origin !== undefined || !shape || !shown) return answer(response, 404)
    const sessionId = request.headers['mcp-session-id']
    if (sessionId === undefined) return open(shape, shown, request, response)
    const held = typeof sessionId === 'string' ? sessions.get(sessionId) : undefined
    if (!held || held.definition !== shape.id || !timingSafeEqual(held.secret, shown)) return answer(response, 404)
    if (request.method !== 'POST') return held.session.handle(request, response)
    const message = await messageOf(request, response)
    if (message) await held.session.handle(request, response, message)
  }

  async function open(
    shape: DefinitionShape,
    secret: Buffer,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    if (request.method !== 'POST' || !secrets.opens(shape.id, request.headers.authorization))
      return answer(response, 404)
    const message = await messageOf(request, response)
    if (!message) return
    if (!('method' in message) || message.method !== 'initialize') return answer(response, 400)
    // The reviewed instructions go into the first answer; a slow server's are left out rather than waited for.
    await connections.tools(shape.server, AbortSignal.timeout(INSTRUCTIONS_LIMIT)).catch(() => [])
    const session = await openMcpSession(
      await loaded(),
      { definition: shape, connections, plans, version: options.version },
      () => sessions.delete(session.id),
    )
    sessions.set(session.id, { session, definition: shape.id, secret })
    const oldest = sessions.size > MAX_SESSIONS ? [...sessions.values()][0] : undefined
    await oldest?.session.close()
    await session.handle(request, response, message)
  }

  /** The one JSON-RPC message of a POST, or `undefined` when it has been answered with a refusal. */
  async function messageOf(request: IncomingMessage, response: ServerResponse) {
    const text = await bodyOf(request)
    if (text === undefined) return answer(response, 413)
    try {
      return (await loaded()).JSONRPCMessageSchema.parse(parseStrictJson(text))
    } catch {
      return answer(response, 400)
    }
  }

  function loaded(): Promise<EditorSdk> {
    sdk ??= loadEditorSdk()
    return sdk
  }

  function currentShapes(): readonly DefinitionShape[] {
    const state = catalog.state()
    return state.kind === 'ready' ? definitionsOf(state.servers) : []
  }

  function changed(): void {
    clearTimeout(timer)
    timer = setTimeout(settle, SETTLE)
  }

  function settle(): void {
    const before = shapes
    shapes = currentShapes()
    for (const { session, definition: id } of [...sessions.values()]) {
      const gone = !shapes.some((shape) => shape.id === id)
      void (gone ? session.close() : session.refresh()).catch(() => undefined)
    }
    if (JSON.stringify(before) === JSON.stringify(shapes)) return
    for (const tell of [...listeners]) tell()
  }
}

async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk as Uint8Array)
    size += bytes.byteLength
    if (size > MAX_BODY) return undefined
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function answer(response: ServerResponse, status: 400 | 404 | 413 | 500): undefined {
  response.writeHead(status, { 'Content-Type': 'text/plain', ...(status === 413 && { Connection: 'close' }) }).end()
}
