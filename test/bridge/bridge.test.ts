import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CallToolResultSchema,
  type Progress,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startBridge } from '../../src/bridge/bridge.ts'
import type { Bridge, BridgeDefinition } from '../../src/bridge/types.ts'
import { WAITING } from '../../src/connections/tool-call.ts'
import { ready, startWorld, until, type World } from '../connections/world.ts'
import { verifies } from '../requirements.ts'
import { INITIALIZE, send, socketFetch, textOf } from './raw.ts'

let world: World
let bridge: Bridge
let runtimeDir: string
let clients: Client[]

beforeEach(async () => {
  runtimeDir = join(mkdtempSync(join(tmpdir(), 'gh-')), 'run')
  clients = []
  world = await startWorld()
  bridge = await open()
})

afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()))
  await bridge.dispose()
  await world.stop()
  rmSync(join(runtimeDir, '..'), { recursive: true, force: true })
})

function open(dir = runtimeDir): Promise<Bridge> {
  const { connections, catalog, plans } = world
  return startBridge({ connections, catalog, plans, runtimeDir: dir, log: () => undefined, version: '0.1.0' })
}

function resolved(id: string): BridgeDefinition {
  const definition = bridge.resolve(id)
  if (!definition) throw new Error(`no definition ${id}`)
  return definition
}

/** The reference client of 2025-11-25, over the socket. */
async function connect(definition: BridgeDefinition): Promise<Client> {
  const client = new Client({ name: 'editor', version: '1' }, { capabilities: {} })
  const transport = new StreamableHTTPClientTransport(new URL('http://localhost/'), {
    fetch: socketFetch(definition),
    requestInit: { headers: { ...definition.headers } },
  })
  await client.connect(transport)
  clients.push(client)
  return client
}

interface CallOptions {
  conversation?: string
  request?: string
  signal?: AbortSignal
  onprogress?: (progress: Progress) => void
}

function call(client: Client, name: string, args: Record<string, unknown>, options: CallOptions = {}) {
  const { conversation = 'c1', request = 'r1', signal, onprogress } = options
  const params = {
    name,
    arguments: args,
    _meta: {
      'vscode.conversationId': conversation,
      'vscode.requestId': request,
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    },
  }
  return client.request({ method: 'tools/call', params }, CallToolResultSchema, {
    ...(signal && { signal }),
    ...(onprogress && { onprogress }),
  })
}

const firstText = (result: Awaited<ReturnType<typeof call>>) =>
  result.content[0]?.type === 'text' ? result.content[0].text : undefined

async function opened(definition: BridgeDefinition): Promise<Record<string, string>> {
  const response = await send(definition, { body: INITIALIZE })
  expect(response.statusCode).toBe(200)
  await textOf(response)
  return { 'Mcp-Session-Id': String(response.headers['mcp-session-id']) }
}

describe('the definitions', () => {
  it('are two for a server with writes: its reads and its writes, each over a private socket', () => {
    verifies('EDIT-2.1')
    const [reads, writes] = bridge.definitions()
    expect(reads).toMatchObject({ id: 'fixture/reads', side: 'reads', label: 'Fixture' })
    expect(writes).toMatchObject({ id: 'fixture/writes', side: 'writes', label: 'Fixture writes' })
    expect(reads?.uri).toMatch(/^unix:\/\/\/.*\.sock#\/mcp\/fixture\/reads$/)
    expect(reads?.headers).toEqual({})
    expect(statSync(runtimeDir).mode & 0o777).toBe(0o700)
    expect(statSync(join(runtimeDir, readdirSync(runtimeDir)[0] ?? '')).mode & 0o777).toBe(0o600)
  })

  it('follow the list: no writes, no writes definition; other tools, another version; denied, none', async () => {
    verifies('AUTH-8.1')
    const { record } = world.catalog
    const before = bridge.definitions()[0]?.version
    let told = 0
    bridge.onChange(() => told++)
    world.catalog.show(
      ready([
        {
          access: 'allowed',
          record: { ...record, tools: record.tools.filter(({ effect, name }) => effect === 'read' && name !== 'echo') },
        },
      ]),
    )
    await until(() => told === 1)
    expect(bridge.definitions().map(({ id }) => id)).toEqual(['fixture/reads'])
    expect(bridge.definitions()[0]?.version).not.toBe(before)
    const { owner, support } = record
    world.catalog.show(ready([{ access: 'denied', id: 'fixture', title: 'Fixture', owner, support, reason: 'no' }]))
    await until(() => told === 2)
    expect(bridge.definitions()).toEqual([])
    expect(bridge.resolve('fixture/reads')).toBeUndefined()
  })

  it('fall back to 127.0.0.1 where a socket path would be too long', async () => {
    const other = await open(join(runtimeDir, 'x'.repeat(90)))
    try {
      expect(other.definitions()[0]?.uri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp\/fixture\/reads$/)
    } finally {
      await other.dispose()
    }
  })

  it('leave no socket behind, nor those of windows that were killed', async () => {
    writeFileSync(join(runtimeDir, 'bridge-4194999-abc.sock'), '')
    const other = await open()
    expect(readdirSync(runtimeDir)).toHaveLength(2)
    await other.dispose()
    expect(readdirSync(runtimeDir)).toHaveLength(1)
  })
})

describe('the door', () => {
  it('answers 404, never 401 or 403, to a missing, wrong or foreign secret, to an Origin, and to another path', async () => {
    verifies('AUTH-8.2')
    const definition = resolved('fixture/reads')
    const writes = resolved('fixture/writes')
    const statuses = await Promise.all(
      [
        { headers: { Authorization: '' } },
        { headers: { Authorization: 'Bearer wrong' } },
        { headers: { Authorization: `Bearer ${'A'.repeat(43)}` } },
        { headers: { ...writes.headers } },
        { headers: { Origin: 'http://localhost' } },
        { path: '/mcp/other/reads' },
        { path: '/' },
        { method: 'GET' },
        { headers: { 'Mcp-Session-Id': 'unknown' } },
      ].map(async (request) => (await send(definition, { body: INITIALIZE, ...request })).statusCode),
    )
    expect(new Set(statuses)).toEqual(new Set([404]))
    expect(world.fixture.posts()).toBe(0)
  })

  it('rotates the secret at each start: the older one opens no session, and stays good for the one it opened', async () => {
    const first = resolved('fixture/reads')
    const session = await opened(first)
    const second = resolved('fixture/reads')
    expect((await send(first, { body: INITIALIZE })).statusCode).toBe(404)
    const ping = { jsonrpc: '2.0', id: 7, method: 'ping' }
    expect((await send(first, { headers: session, body: ping })).statusCode).toBe(200)
    expect((await send(second, { headers: session, body: ping })).statusCode).toBe(404)
  })

  it('refuses what is not one strict JSON-RPC message, before any effect', async () => {
    verifies('SRV-KIT.7')
    const definition = resolved('fixture/reads')
    const session = await opened(definition)
    const call =
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"a","text":"b"}}}'
    for (const body of [call, '{', '[]', '{"id":1}']) {
      expect((await send(definition, { headers: session, body })).statusCode).toBe(400)
    }
    expect((await send(definition, { body: { jsonrpc: '2.0', id: 1, method: 'tools/list' } })).statusCode).toBe(400)
  })
})

describe('the tools', () => {
  it('are listed as reviewed, each on its side, with plan_status among the reads', async () => {
    verifies('EDIT-2.1')
    const reads = await (await connect(resolved('fixture/reads'))).listTools()
    const writes = await (await connect(resolved('fixture/writes'))).listTools()
    expect(reads.tools.map(({ name }) => name)).toEqual(['plan_status', 'ask', 'echo', 'huge', 'quiet', 'scan', 'slow'])
    expect(writes.tools.map(({ name }) => name)).toEqual(['put', 'rogue'])
    expect(writes.tools[0]).toMatchObject({
      title: 'put',
      annotations: { readOnlyHint: false },
      inputSchema: { required: ['value'] },
    })
  })

  it('carry the reviewed instructions of the server', async () => {
    const client = await connect(resolved('fixture/reads'))
    expect(client.getInstructions()).toContain('Be kind.')
  })

  it('are told anew when the list changes', async () => {
    const client = await connect(resolved('fixture/reads'))
    await client.listTools()
    let changed = 0
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => void changed++)
    world.fixture.changeTool('echo', 'Not what was reviewed')
    const { record } = world.catalog
    world.catalog.show(
      ready([{ access: 'allowed', record: { ...record, surfaceDigest: `sha256:${'0'.repeat(64)}` } }], 'v2'),
    )
    await until(() => changed > 0)
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['plan_status'])
  })
})

describe('a call', () => {
  it('of a read answers at once, with structured content, and continues the trace', async () => {
    verifies('EDIT-2.1')
    const client = await connect(resolved('fixture/reads'))
    expect(await call(client, 'echo', { text: 'hello' })).toMatchObject({ structuredContent: { echoed: 'hello' } })
    expect(world.fixture.metas[0]?.['traceparent']).toBe(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`)
  })

  it('of a write does not come through the reads', async () => {
    const client = await connect(resolved('fixture/reads'))
    const result = await call(client, 'put', { value: 'a' })
    expect(result.isError).toBe(true)
    expect(world.plans.entries()).toEqual([])
  })

  it('of a write says that it waits, and answers when the person has approved', async () => {
    verifies('EDIT-3.1', 'EDIT-3.2')
    const client = await connect(resolved('fixture/writes'))
    const seen: Progress[] = []
    const pending = call(client, 'put', { value: 'a' }, { onprogress: (progress) => seen.push(progress) })
    const steps = await world.steps(1)
    await until(() => seen.some(({ message }) => message === WAITING))
    expect(world.plans.entries()[0]?.plan.origin).toEqual({ door: 'chat', conversation: 'c1', request: 'r1' })
    world.plans.approve(steps)
    expect(await pending).toMatchObject({ structuredContent: { written: 1 } })
  })

  it('that is rejected says so in words', async () => {
    const client = await connect(resolved('fixture/writes'))
    const pending = call(client, 'put', { value: 'a' })
    world.plans.reject(await world.steps(1), 'no')
    const result = await pending
    expect(result.isError).toBe(true)
    expect(firstText(result)).toBe(
      'Failed (approval_rejected): The person rejected this: no. Do not retry unless they ask.',
    )
  })

  it('of four at once is one panel entry, decided together', async () => {
    verifies('EDIT-3.1')
    const client = await connect(resolved('fixture/writes'))
    const pending = ['a', 'b', 'c', 'd'].map((value) => call(client, 'put', { value }))
    world.plans.approve(await world.steps(4))
    await Promise.all(pending)
    expect(world.plans.entries()).toHaveLength(1)
    expect(world.fixture.written).toHaveLength(4)
  })

  it('that the person stops is withdrawn, and its POST is ended', async () => {
    const definition = resolved('fixture/writes')
    const session = await opened(definition)
    const body = {
      jsonrpc: '2.0',
      id: 5,
      method: 'tools/call',
      params: { name: 'put', arguments: { value: 'a' }, _meta: { progressToken: 1 } },
    }
    const post = await send(definition, { headers: session, body })
    const [step = ''] = await world.steps(1)
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 5, reason: 'stopped' } }
    expect((await send(definition, { headers: session, body: cancelled })).statusCode).toBe(202)
    expect(await textOf(post)).not.toContain('"result"')
    await until(() => world.plans.entries()[0]?.states[step]?.kind === 'withdrawn')
  })

  it('whose stream breaks is completed on the GET stream', async () => {
    const definition = resolved('fixture/writes')
    const session = await opened(definition)
    const get = await send(definition, { method: 'GET', headers: session })
    expect(get.headers['content-type']).toBe('text/event-stream')
    let received = ''
    get.on('data', (chunk) => {
      received += String(chunk)
    })
    const body = { jsonrpc: '2.0', id: 'x', method: 'tools/call', params: { name: 'put', arguments: { value: 'a' } } }
    const post = await send(definition, { headers: session, body })
    post.on('error', () => undefined)
    const steps = await world.steps(1)
    post.destroy()
    await new Promise((resolve) => setTimeout(resolve, 50))
    world.plans.approve(steps)
    await until(() => received.includes('"wrote a"') || received.includes('"written":1'))
    get.destroy()
  })

  it('whose session ends leaves its step to be decided', async () => {
    verifies('EDIT-3.3')
    const definition = resolved('fixture/writes')
    const session = await opened(definition)
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'put', arguments: { value: 'a' } } }
    void send(definition, { headers: session, body }).then((post) => post.on('error', () => undefined))
    const [step = ''] = await world.steps(1)
    expect((await send(definition, { method: 'DELETE', headers: session })).statusCode).toBe(200)
    await until(() => JSON.stringify(world.plans.entries()[0]?.states[step]) === '{"kind":"pending","orphaned":true}')
    world.plans.approve([step])
    await until(() => world.fixture.written.length === 1)
    const client = await connect(resolved('fixture/reads'))
    expect(await call(client, 'plan_status', {}, { conversation: 'other' })).toMatchObject({
      structuredContent: { steps: [] },
    })
  })

  it('of plan_status tells what became of the steps of this conversation, and of no other', async () => {
    const writes = await connect(resolved('fixture/writes'))
    const pending = call(writes, 'put', { value: 'a' })
    world.plans.approve(await world.steps(1))
    await pending
    const reads = await connect(resolved('fixture/reads'))
    const told = await call(reads, 'plan_status', {})
    expect(told.structuredContent).toMatchObject({ steps: [{ tool: 'put', state: 'done', outcome: 'wrote a' }] })
    expect((await call(reads, 'plan_status', {}, { conversation: 'c2' })).structuredContent).toEqual({ steps: [] })
  })

  it('with a result too large for the chat gets its beginning and is told so', async () => {
    const client = await connect(resolved('fixture/reads'))
    const result = await call(client, 'huge', { size: 200_000 })
    expect(result.structuredContent).toBeUndefined()
    expect(firstText(result)).toContain('too large for the chat (201 kB)')
    expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThan(60_000)
  })
})
