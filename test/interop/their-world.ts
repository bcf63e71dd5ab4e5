import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  digestOf,
  type Effect,
  promptDigest,
  resourceDigest,
  type ServerRecord,
  toolDigest,
} from '@gatehouse/contracts'
import { Client, type ClientCapabilities, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { z } from 'zod'
import { createCatalog } from '../../src/catalog/catalog.ts'
import type { Catalog } from '../../src/catalog/types.ts'
import { createConnections } from '../../src/connections/connections.ts'
import type { Connections, Elicitation, ElicitationAnswer, ToolCall, ToolOutcome } from '../../src/connections/types.ts'
import { createPlans } from '../../src/plans/plans.ts'
import type { Plans } from '../../src/plans/types.ts'
import { deviceKey, testSession } from '../connections/world.ts'
import { listClaims, listSigner, wilfulRegistry } from '../support/list-signer.ts'
import { sampleRecord } from '../support/sample-record.ts'
import { MemoryStore } from '../support/session-window.ts'
import type { TheirProcess } from './their-process.ts'

const ID = 'theirs'
const Message = z.object({ method: z.string().optional(), params: z.record(z.string(), z.unknown()).default({}) })

/** Our embedded client with a signed list of one server, which is somebody else's. */
export interface TheirWorld {
  readonly record: ServerRecord
  readonly catalog: Catalog
  readonly connections: Connections
  readonly plans: Plans
  readonly elicited: Elicitation[]
  /** Every message that went to the server, and the HTTP status that it was answered with. */
  readonly sent: Sent[]
  answer: ElicitationAnswer
  call(tool: string, args: Record<string, unknown>, extra?: Partial<ToolCall>): Promise<ToolOutcome>
  close(): Promise<void>
}

interface Sent {
  readonly method?: string | undefined
  readonly params: Record<string, unknown>
  readonly status: number
}

/** What a reviewer decided: tools that are not `read`; and what is left out of the record. */
export interface Review {
  readonly effects?: Readonly<Record<string, Effect>>
  readonly without?: readonly string[]
}

/** Plays reviewer and registry: records what the server shows now, signs a list with it, and opens our client on that list. */
export async function openTheirs(server: TheirProcess, review: Review = {}): Promise<TheirWorld> {
  const record = await recordOf(server.url, review)
  const registry = await wilfulRegistry()
  const signer = await listSigner('key-1')
  registry.keys = [signer.publicJwk]
  registry.list = await signer.sign(listClaims(registry.url, 3600, [{ access: 'allowed', record }]))
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-theirs-'))
  const sent: Sent[] = []
  const session = { ...testSession(await deviceKey()), fetchFor: () => tapped(sent) }
  const log = { info: () => undefined, warn: () => undefined }
  const catalog = createCatalog({
    registryUrl: registry.url,
    fetch,
    subject: () => 'ada',
    onSubject: () => () => undefined,
    clientId: () => 'gatehouse-vscode',
    pins: new MemoryStore(),
    cacheDir: join(folder, 'catalog'),
    log,
  })
  await catalog.refresh()
  const plans = createPlans({
    folder: join(folder, 'plans'),
    sealKey: crypto.getRandomValues(new Uint8Array(32)),
    log: () => undefined,
  })
  const elicited: Elicitation[] = []
  const connections = createConnections({
    catalog,
    session,
    plans,
    clientInfo: { name: 'gatehouse-vscode', version: '0' },
    elicit: async (elicitation) => {
      elicited.push(elicitation)
      return world.answer
    },
    log: () => undefined,
    limits: { connect: 20_000 },
  })
  const world: TheirWorld = {
    record,
    catalog,
    connections,
    plans,
    elicited,
    sent,
    answer: { action: 'decline' },
    call: (tool, args, extra = {}) =>
      connections.call({
        server: ID,
        tool,
        arguments: args,
        origin: { door: 'chat', conversation: 'c1', request: 'r1' },
        signal: new AbortController().signal,
        ...extra,
      }),
    async close() {
      await connections.dispose()
      plans.dispose()
      catalog.dispose()
      await registry.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return world
}

/** The real `fetch`, with a note of each message. */
function tapped(sent: Sent[]): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    const message = typeof init?.body === 'string' ? Message.safeParse(JSON.parse(init.body)) : undefined
    if (message?.success) sent.push({ ...message.data, status: response.status })
    return response
  }
}

/** What a client of our capabilities sees: a server may show another its own. */
export async function recordOf(
  url: string,
  { effects = {}, without = [] }: Review,
  capabilities: ClientCapabilities = { elicitation: { form: {}, url: {} } },
): Promise<ServerRecord> {
  const client = new Client({ name: 'prober', version: '0' }, { capabilities, versionNegotiation: { mode: 'auto' } })
  await client.connect(new StreamableHTTPClientTransport(new URL(url)))
  const has = client.getServerCapabilities()
  const { tools } = await client.listTools()
  const prompts = has?.prompts ? (await client.listPrompts()).prompts : []
  const resources = has?.resources ? (await client.listResources()).resources : []
  const templates = has?.resources ? (await client.listResourceTemplates()).resourceTemplates : []
  const instructions = client.getInstructions()
  await client.close()
  const kept = <T extends { readonly name: string }>(items: readonly T[]) =>
    items.filter(({ name }) => !without.includes(name))
  return sampleRecord(ID, {
    title: 'Theirs',
    url,
    clients: [],
    surfaceDigest: digestOf('surface'),
    ...(instructions !== undefined && { instructionsDigest: digestOf(instructions) }),
    tools: kept(tools).map((tool) => ({
      name: tool.name,
      digest: toolDigest(tool),
      effect: effects[tool.name] ?? 'read',
      groups: [],
      minutesSaved: 0,
    })),
    prompts: kept(prompts).map((prompt) => ({ name: prompt.name, digest: promptDigest(prompt as never), groups: [] })),
    resources: kept<{ readonly name: string; readonly uri?: string; readonly uriTemplate?: string }>([
      ...resources,
      ...templates,
    ]).map((resource) => {
      const { name, uri, uriTemplate } = resource
      return { name, uri, uriTemplate, digest: resourceDigest(resource), groups: [] }
    }),
  })
}
