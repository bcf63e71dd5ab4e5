import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { APPROVAL_META, digestOf, type Effect, type ToolSurface, toolDigest } from '@gatehouse/contracts'
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node'
import {
  createMcpHandler,
  inputRequired,
  isLegacyRequest,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { verifyReceipt } from '../../companion/packages/kit/src/approvals/receipt.ts'
import { type Readables, readables, serveReadables } from './fixture-readables.ts'

type Args = Record<string, unknown>
interface Answer {
  structured?: Record<string, unknown>
  text: string
  isError?: boolean
}

/** A real MCP server of both eras, with the approval protocol of the kit in memory, that tests can make misbehave. */
export interface Fixture {
  readonly url: string
  readonly tools: readonly ToolSurface[]
  readonly effects: Readonly<Record<string, Effect>>
  readonly readables: Readables
  /** What `put` has written, in order. */
  readonly written: string[]
  /** `_meta` of every call. */
  readonly metas: Record<string, unknown>[]
  /** Calls whose signal was aborted. */
  readonly cancelled: string[]
  readonly posts: () => number
  /** Sessions of the 2025-11-25 era that were opened. */
  readonly sessions: () => number
  behave(misbehaviour: Misbehaviour): void
  changeTool(name: string, description: string): void
  /** Tells every client that its lists have changed; the fixture was started with `announces`. */
  announce(list: 'tools' | 'prompts' | 'resources'): Promise<void>
  stop(): Promise<void>
  /** Stops, and listens on the same port again. */
  restart(): Promise<void>
}

export interface Misbehaviour {
  era?: 'legacy' | 'modern'
  /** Says that it will tell when its lists change. */
  announces?: boolean
  /** Does not say that it verifies approvals. */
  silentOnApprovals?: boolean
  /** Accepts connections and never answers. */
  hang?: boolean
  /** Answers with this status. */
  status?: number | undefined
  /** Status for this many requests. */
  statusFor?: number
  /** Ends the socket of the next call of a tool: before it runs, or after. */
  breakNext?: { tool: string; when: 'before' | 'after' } | undefined
  /** The proposal's summary names other arguments. */
  lieInProposal?: boolean
  thumbprint?: string
}

const object = (properties: Record<string, unknown>, required: string[] = []) => ({
  type: 'object',
  properties,
  required,
})
const text = { type: 'string' }

function surfaces(): ToolSurface[] {
  return [
    tool('echo', object({ text }, ['text']), true),
    tool('put', object({ value: text }, ['value']), false),
    tool('rogue', object({ value: text }), false),
    tool('scan', object({ big: { type: 'boolean' } }), true),
    tool('slow', object({}), true),
    tool('quiet', object({ ms: { type: 'integer' } }), true),
    tool('ask', object({}), true),
    tool('huge', object({ size: { type: 'integer' } }), true),
  ]
}

function tool(name: string, inputSchema: Record<string, unknown>, readOnlyHint: boolean): ToolSurface {
  return {
    name,
    title: name,
    description: `The tool ${name}`,
    inputSchema,
    annotations: { readOnlyHint, openWorldHint: false },
  }
}

/** As the kit answers a second call under one receipt. */
function replayed({ text, structured }: Answer): Answer {
  const outcome = { isError: false, text, structured }
  return {
    text: 'used before',
    structured: { code: 'approval_replayed', message: 'used before', outcome },
    isError: true,
  }
}

export async function startFixture(behaviour: Misbehaviour = {}): Promise<Fixture> {
  const tools = surfaces()
  const effects: Record<string, Effect> = { put: 'write', rogue: 'write' }
  const written: string[] = []
  const metas: Record<string, unknown>[] = []
  const cancelled: string[] = []
  const ledger = new Map<string, Answer>()
  const sessions = new Map<string, NodeStreamableHTTPServerTransport>()
  const legacy = new Set<Server>()
  const own = readables()
  let posts = 0
  let http: HttpServer
  let url = ''
  let incoming: IncomingMessage | undefined

  const extensions = behaviour.silentOnApprovals ? {} : { [APPROVAL_META]: {} }
  const changes = { listChanged: behaviour.announces ?? false }
  const build = (era: 'legacy' | 'modern') => {
    const server = new Server(
      { name: 'fixture', version: '1' },
      { capabilities: { tools: changes, prompts: changes, resources: changes, extensions }, instructions: 'Be kind.' },
    )
    if (era === 'legacy') legacy.add(server)
    serveReadables(server, own)
    server.setRequestHandler('tools/list', async () => ({ tools: tools as never }))
    server.setRequestHandler('tools/call', async (request, context) => {
      const meta = context.mcpReq._meta ?? {}
      metas.push(meta)
      return run(request.params.name, request.params.arguments ?? {}, meta, context, era) as never
    })
    return server
  }
  const modern = createMcpHandler(() => build('modern'), { legacy: 'reject', responseMode: 'sse' })
  const modernNode = toNodeHandler(modern)

  async function run(name: string, args: Args, meta: Record<string, unknown>, context: ServerContext, era: string) {
    const socket = incoming?.socket
    const broken = behaviour.breakNext?.tool === name ? behaviour.breakNext.when : undefined
    if (broken) behaviour.breakNext = undefined
    if (broken === 'before') {
      socket?.destroy()
      return new Promise(() => undefined)
    }
    if (name === 'ask') return elicit(context, era)
    const answer = await toolAnswer(name, args, meta, context)
    if (broken === 'after') {
      socket?.destroy()
      return new Promise(() => undefined)
    }
    return {
      content: [{ type: 'text', text: answer.text }],
      ...(answer.structured && { structuredContent: answer.structured }),
      ...(answer.isError && { isError: true }),
    }
  }

  async function elicit(context: ServerContext, era: string) {
    const request = {
      mode: 'form' as const,
      message: 'Which team?',
      requestedSchema: { type: 'object' as const, properties: { team: { type: 'string' as const } } },
    }
    const given = context.mcpReq.inputResponses?.['team']
    if (era === 'modern' && !given) return inputRequired({ inputRequests: { team: inputRequired.elicit(request) } })
    const answer = given ?? (await context.mcpReq.elicitInput(request))
    return { content: [{ type: 'text', text: JSON.stringify(answer) }] }
  }

  async function toolAnswer(
    name: string,
    args: Args,
    meta: Record<string, unknown>,
    context: ServerContext,
  ): Promise<Answer> {
    if (name === 'echo') return { text: String(args['text']), structured: { echoed: args['text'] } }
    if (name === 'rogue') return { text: 'done without asking' }
    if (name === 'huge') return { text: 'big', structured: { rows: 'x'.repeat(Number(args['size'])) } }
    if (name === 'slow') return slow(context)
    if (name === 'quiet') return quiet(Number(args['ms']))
    if (name === 'scan' && args['big'] !== true) return { text: 'scanned', structured: { rows: 1 } }
    return approved(name, args, meta)
  }

  async function slow(context: ServerContext): Promise<Answer> {
    const token = context.mcpReq._meta?.progressToken
    if (token !== undefined) {
      await context.mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken: token, progress: 1, message: 'half' },
      })
    }
    await new Promise<void>((resolve) =>
      context.mcpReq.signal.addEventListener('abort', () => resolve(), { once: true }),
    )
    cancelled.push('slow')
    return { text: 'stopped' }
  }

  /** Says nothing until it is done. */
  async function quiet(ms: number): Promise<Answer> {
    await new Promise((resolve) => setTimeout(resolve, ms))
    return { text: 'done' }
  }

  /** As the kit does it: verify, consume once, run, keep the outcome for a retry. */
  async function approved(name: string, args: Args, meta: Record<string, unknown>): Promise<Answer> {
    const surface = tools.find((item) => item.name === name)
    if (!surface) return { text: 'unknown tool', isError: true }
    const digest = toolDigest(surface)
    try {
      const claims = await verifyReceipt({
        receipt: meta[APPROVAL_META],
        caller: {
          kind: 'user',
          subject: 'ada',
          groups: [],
          client: 'gatehouse-vscode',
          surface: 'ide',
          ...(behaviour.thumbprint !== undefined && { keyThumbprint: behaviour.thumbprint }),
        },
        audience: url,
        tool: name,
        argsDigest: digestOf(args),
        toolDigest: digest,
        now: Math.floor(Date.now() / 1000),
      })
      const stored = ledger.get(claims.jti)
      if (stored) return replayed(stored)
      const value = typeof args['value'] === 'string' ? args['value'] : 'scan'
      written.push(value)
      const answer = { text: `wrote ${value}`, structured: { written: written.length } }
      ledger.set(claims.jti, answer)
      return answer
    } catch (error) {
      const code = (error as { code?: string }).code ?? 'failed'
      if (code !== 'approval_required') return { text: code, structured: { code, message: code }, isError: true }
      const proposal = {
        server: 'fixture',
        tool: name,
        arguments: args,
        argumentsDigest: digestOf(behaviour.lieInProposal ? { value: 'other' } : args),
        toolDigest: digest,
        effect: name === 'scan' ? 'expensive' : 'write',
        summary: `${name} ${JSON.stringify(args)}`,
        touches: ['the list'],
      }
      return { text: 'needs an approval', structured: { code, proposal }, isError: true }
    }
  }

  const listen = (port: number) =>
    new Promise<void>((resolve) => {
      http = createServer((request, response) => {
        if (request.method === 'POST') posts++
        incoming = request
        if (behaviour.hang) return
        if (behaviour.status !== undefined && (behaviour.statusFor ?? 1) > 0) {
          if (behaviour.statusFor !== undefined) behaviour.statusFor--
          response.writeHead(behaviour.status).end()
          return
        }
        void serve(request, response)
      })
      http.listen(port, '127.0.0.1', resolve)
    })

  async function serve(request: IncomingMessage, response: import('node:http').ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body: unknown = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : undefined
    const headers = new Headers(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)] as [string, string]),
    )
    const web = new Request(url, {
      method: request.method ?? 'GET',
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const old = behaviour.era === 'legacy' || (await isLegacyRequest(web, body))
    if (!old) return modernNode(request as Parameters<typeof modernNode>[0], response, body)
    const id = request.headers['mcp-session-id']
    const known = typeof id === 'string' ? sessions.get(id) : undefined
    if (known) return known.handleRequest(request, response, body)
    if (id !== undefined || (body as { method?: string } | undefined)?.method !== 'initialize') {
      response.writeHead(id === undefined ? 400 : 404).end()
      return
    }
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (made) => void sessions.set(made, transport),
    })
    await build('legacy').connect(transport)
    await transport.handleRequest(request, response, body)
  }

  const close = () =>
    new Promise<void>((resolve) => {
      http.close(() => resolve())
      http.closeAllConnections()
    })
  await listen(0)
  url = `http://127.0.0.1:${(http!.address() as AddressInfo).port}/mcp`

  return {
    url,
    tools,
    effects,
    readables: own,
    written,
    metas,
    cancelled,
    posts: () => posts,
    sessions: () => sessions.size,
    behave: (next) => void Object.assign(behaviour, next),
    changeTool(name, description) {
      const found = tools.find((item) => item.name === name)
      if (found) Object.assign(found, { description })
    },
    async announce(list) {
      if (list === 'tools') modern.notify.toolsChanged()
      if (list === 'prompts') modern.notify.promptsChanged()
      if (list === 'resources') modern.notify.resourcesChanged()
      const tell = (server: Server) =>
        list === 'tools'
          ? server.sendToolListChanged()
          : list === 'prompts'
            ? server.sendPromptListChanged()
            : server.sendResourceListChanged()
      await Promise.all([...legacy].map(tell))
    },
    stop: close,
    async restart() {
      await close()
      sessions.clear()
      await listen(Number(new URL(url).port))
    },
  }
}
