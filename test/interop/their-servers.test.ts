import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client as EditorClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as EditorTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBridge } from '../../src/bridge/bridge.ts'
import type { ToolProgress } from '../../src/connections/types.ts'
import { socketFetch } from '../bridge/raw.ts'
import { PIXEL } from '../connections/fixture-readables.ts'
import { until } from '../connections/world.ts'
import { verifies } from '../requirements.ts'
import { serveHttp, serveStdio, type TheirProcess } from './their-process.ts'
import { openTheirs, recordOf, type TheirWorld } from './their-world.ts'

/** Servers that none of us wrote, as npm has them, under the embedded client as it is (docs/compatibility.md). */
const EVERYTHING = '@modelcontextprotocol/server-everything/dist/index.js'
const FILESYSTEM = '@modelcontextprotocol/server-filesystem/dist/index.js'
const MEMORY = '@modelcontextprotocol/server-memory/dist/index.js'
const THINKING = '@modelcontextprotocol/server-sequential-thinking/dist/index.js'

const LONG = 60_000
const signal = new AbortController().signal
let folder: string
let servers: TheirProcess[]
let worlds: TheirWorld[]

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-interop-'))
  servers = []
  worlds = []
})
afterAll(async () => {
  await Promise.all(worlds.map((world) => world.close()))
  await Promise.all(servers.map((server) => server.stop()))
  rmSync(folder, { recursive: true, force: true })
})

async function running(server: Promise<TheirProcess>): Promise<TheirProcess> {
  servers.push(await server)
  return server
}

async function under(world: Promise<TheirWorld>): Promise<TheirWorld> {
  worlds.push(await world)
  return world
}

describe('server-everything, over its own Streamable HTTP', () => {
  let server: TheirProcess
  let world: TheirWorld
  beforeAll(async () => {
    server = await running(serveHttp(EVERYTHING, ['streamableHttp']))
    world = await under(openTheirs(server))
  }, LONG)

  it('is listed whole: tools, prompts, resources, templates, reviewed instructions', async () => {
    verifies('EDIT-2.1', 'EDIT-2.3')
    const { tools, prompts, resources } = world.record
    expect(await world.connections.tools('theirs')).toHaveLength(tools.length)
    expect(await world.connections.prompts('theirs')).toHaveLength(prompts.length)
    expect(await world.connections.resources('theirs')).toHaveLength(resources.length)
    expect([tools.length, prompts.length, resources.length]).toEqual([15, 4, 9])
    expect(world.connections.instructions('theirs')).toContain('Everything Server')
    expect(world.connections.health('theirs')).toEqual({ kind: 'ready' })
  })

  it('is called: text beyond ASCII, structured results, and its own words where the arguments are wrong', async () => {
    verifies('EDIT-2.1')
    expect(await world.call('echo', { message: 'größe ☃ 𝄞' })).toEqual({ isError: false, text: 'Echo: größe ☃ 𝄞' })
    expect((await world.call('get-structured-content', { location: 'Chicago' })).structured).toEqual({
      temperature: 36,
      conditions: 'Light rain / drizzle',
      humidity: 82,
    })
    const wrong = await world.call('get-sum', { a: 1, b: 'two' })
    expect(wrong).toMatchObject({ isError: true, text: expect.stringContaining('expected number') as string })
  })

  it('answers with images, links, embedded resources, and with what is for the person alone', async () => {
    verifies('EDIT-2.3')
    const image = await world.call('get-tiny-image', {})
    expect(image.content?.map(({ type }) => type)).toEqual(['text', 'image', 'text'])
    const links = await world.call('get-resource-links', { count: 2 })
    expect(links.content?.slice(1)).toMatchObject([
      { type: 'resource_link', uri: 'demo://resource/dynamic/blob/1' },
      { type: 'resource_link', uri: 'demo://resource/dynamic/text/2' },
    ])
    const embedded = await world.call('get-resource-reference', { resourceType: 'Text', resourceId: 3 })
    expect(embedded.content?.[1]).toMatchObject({
      type: 'resource',
      resource: { uri: 'demo://resource/dynamic/text/3' },
    })
    const annotated = await world.call('get-annotated-message', { messageType: 'success', includeImage: true })
    expect(annotated).toMatchObject({ isError: false, text: '' })
    expect(annotated.content?.map(({ annotations }) => annotations?.audience)).toEqual([['user'], ['user']])
  })

  it('tells its progress', async () => {
    verifies('SRV-KIT.6')
    const seen: ToolProgress[] = []
    const onProgress = (progress: ToolProgress) => void seen.push(progress)
    const outcome = await world.call('trigger-long-running-operation', { duration: 1, steps: 4 }, { onProgress })
    expect(outcome).toMatchObject({ isError: false, text: expect.stringContaining('completed') as string })
    expect(seen.map(({ progress, total }) => [progress, total])).toEqual([1, 2, 3, 4].map((step) => [step, 4]))
  })

  it('is told of a cancellation, and serves the next call', async () => {
    verifies('SRV-KIT.6')
    const asking = new AbortController()
    const seen: ToolProgress[] = []
    const call = world.call(
      'trigger-long-running-operation',
      { duration: 6, steps: 12 },
      { signal: asking.signal, onProgress: (progress) => void seen.push(progress) },
    )
    await until(() => seen.length > 0, LONG)
    asking.abort()
    expect(await call).toMatchObject({ isError: true, code: 'cancelled' })
    const cancelled = () => world.sent.filter(({ method }) => method === 'notifications/cancelled')
    await until(() => cancelled().length === 1, LONG)
    expect(cancelled()[0]).toMatchObject({ status: 202, params: { requestId: expect.anything() as unknown } })
    expect(await world.call('echo', { message: 'next' })).toMatchObject({ isError: false })
  })

  it('asks the person a form, and is told accept, decline and cancel apart', async () => {
    verifies('EDIT-4.2')
    world.answer = {
      action: 'accept',
      content: { name: 'Ada', check: true, integer: 7, untitledMultipleSelectEnum: ['Piano'] },
    }
    const accepted = await world.call('trigger-elicitation-request', {})
    expect(accepted.text).toContain('Ada')
    expect(accepted.text).toContain('Piano')
    world.answer = { action: 'decline' }
    expect((await world.call('trigger-elicitation-request', {})).text).toContain('declined')
    world.answer = { action: 'cancel' }
    expect((await world.call('trigger-elicitation-request', {})).text).toContain('cancelled')
    expect(world.elicited.map(({ mode }) => mode)).toEqual(['form', 'form', 'form'])
    expect(world.elicited[0]).toMatchObject({
      schema: { properties: { titledSingleSelectEnum: { oneOf: expect.any(Array) as unknown } } },
    })
  })

  it('sends the person to a page', async () => {
    verifies('EDIT-4.2')
    world.answer = { action: 'accept' }
    const outcome = await world.call('trigger-url-elicitation', { url: 'https://example.com/consent' })
    expect(outcome.text).toContain('completed')
    expect(world.elicited.at(-1)).toMatchObject({ mode: 'url', url: 'https://example.com/consent' })
  })

  it('that refuses until the person has been to a page is asked again when they have, and told as that when they have not', async () => {
    verifies('EDIT-4.2')
    const wanted = { url: 'https://example.com/data', errorPath: true }
    world.answer = { action: 'decline' }
    expect(await world.call('trigger-url-elicitation', { ...wanted, elicitationId: 'one' })).toMatchObject({
      isError: true,
      code: 'page_required',
    })
    world.answer = { action: 'accept' }
    const before = world.elicited.length
    const outcome = await world.call('trigger-url-elicitation', { ...wanted, elicitationId: 'two' })
    expect(outcome).toMatchObject({ isError: false, text: expect.stringContaining('completed') as string })
    expect(world.elicited.slice(before)).toMatchObject([
      { mode: 'url', url: 'https://modelcontextprotocol.io' },
      { mode: 'url', url: wanted.url },
    ])
  })

  it('expands its prompts, with arguments and with an embedded resource', async () => {
    verifies('EDIT-2.3')
    const prompt = (name: string, args: Record<string, string> = {}) =>
      world.connections.getPrompt({ server: 'theirs', name, arguments: args, signal })
    expect(await prompt('args-prompt', { city: 'Köln', state: 'NRW' })).toEqual({
      messages: [{ role: 'user', content: { type: 'text', text: "What's weather in Köln, NRW?" } }],
    })
    expect((await prompt('resource-prompt', { resourceType: 'Text', resourceId: '4' })).messages[1]).toMatchObject({
      content: { type: 'resource', resource: { uri: 'demo://resource/dynamic/text/4' } },
    })
    await expect(prompt('args-prompt')).rejects.toMatchObject({ code: 'arguments_invalid' })
  })

  it('gives its resources to read: files, text and bytes of its templates', async () => {
    verifies('EDIT-2.3')
    const read = (uri: string) => world.connections.readResource({ server: 'theirs', uri, signal })
    expect(await read('demo://resource/static/document/features.md')).toMatchObject([{ mimeType: 'text/markdown' }])
    expect(await read('demo://resource/dynamic/text/5')).toMatchObject([
      { text: expect.stringContaining('Resource 5') as string },
    ])
    const [bytes] = await read('demo://resource/dynamic/blob/6')
    expect(Buffer.from(bytes && 'blob' in bytes ? bytes.blob : '', 'base64').toString()).toContain('Resource 6')
    await expect(read('demo://resource/dynamic/text/none')).rejects.toMatchObject({ code: 'server_error' })
    await expect(read('demo://resource/session/x')).rejects.toMatchObject({ code: 'resource_not_allowed' })
  })

  it('reaches the editor through the bridge: prompts, resources, links, pictures, structured results', async () => {
    verifies('EDIT-2.1', 'EDIT-2.3')
    const { connections, catalog, plans } = world
    const runtimeDir = mkdtempSync(join(tmpdir(), 'gh-'))
    const bridge = await startBridge({ connections, catalog, plans, runtimeDir, log: () => undefined, version: '0' })
    const definition = bridge.resolve('theirs/reads')
    if (!definition) throw new Error('the bridge offers no definition')
    const editor = new EditorClient({ name: 'editor', version: '1' })
    const requestInit = { headers: { ...definition.headers } }
    const transport = new EditorTransport(new URL('http://localhost/'), { fetch: socketFetch(definition), requestInit })
    try {
      await editor.connect(transport)
      expect(editor.getInstructions()).toContain('Everything Server')
      expect((await editor.listPrompts()).prompts).toHaveLength(4)
      expect((await editor.listResources()).resources).toHaveLength(7)
      expect((await editor.listResourceTemplates()).resourceTemplates).toHaveLength(2)
      const prompt = await editor.getPrompt({
        name: 'completable-prompt',
        arguments: { department: 'Sales', name: 'Eve' },
      })
      expect(JSON.stringify(prompt.messages)).toContain('promote Eve')
      const { contents } = await editor.readResource({ uri: 'demo://resource/dynamic/text/9' })
      expect(JSON.stringify(contents)).toContain('Resource 9')
      const types = async (name: string, args = {}) =>
        ((await editor.callTool({ name, arguments: args })).content as { type: string }[]).map(({ type }) => type)
      expect(await types('get-tiny-image')).toEqual(['text', 'image', 'text'])
      expect(await types('get-resource-links', { count: 1 })).toEqual(['text', 'resource_link'])
      expect(
        await editor.callTool({ name: 'get-structured-content', arguments: { location: 'Chicago' } }),
      ).toMatchObject({
        structuredContent: { humidity: 82 },
      })
    } finally {
      await editor.close()
      await bridge.dispose()
      rmSync(runtimeDir, { recursive: true, force: true })
    }
  })

  it('says that a tool which only runs as a task cannot be called', async () => {
    const outcome = await world.call('simulate-research-query', { topic: 'python' })
    expect(outcome).toMatchObject({ isError: true, text: expect.stringContaining('task') as string })
  })

  it('is closed when it comes to list a resource that nobody has reviewed', async () => {
    verifies('REG-4.1')
    const other = await under(openTheirs(server))
    await other.connections.resources('theirs')
    const data = 'data:text/plain,hello'
    await other.call('gzip-file-as-resource', { name: 'hello.gz', data, outputType: 'resourceLink' })
    await until(() => other.connections.health('theirs').kind === 'failed', LONG)
    expect(other.connections.health('theirs')).toMatchObject({ code: 'surface_mismatch' })
    await expect(other.connections.tools('theirs')).rejects.toMatchObject({ code: 'surface_mismatch' })
  })

  it('that offers a tool, a prompt or a template more than was reviewed is not used', async () => {
    verifies('REG-4.1')
    for (const extra of ['echo', 'args-prompt', 'Dynamic Text Resource']) {
      const other = await under(openTheirs(server, { without: [extra] }))
      expect(await other.call('get-sum', { a: 1, b: 2 })).toMatchObject({ code: 'surface_mismatch' })
    }
  })

  it('shows fewer tools to a client that cannot be asked, so whoever reviews must ask as we do', async () => {
    const seen = await recordOf(server.url, {}, {})
    expect(world.record.tools.length - seen.tools.length).toBe(2)
  })
})

describe.each([
  ['both eras', 'both'],
  ['2025-11-25 alone', 'legacy'],
] as const)('stdio servers behind mcp-proxy with %s', (_, era) => {
  describe('server-filesystem', () => {
    let root: string
    let world: TheirWorld
    beforeAll(async () => {
      root = mkdtempSync(join(folder, 'files-'))
      writeFileSync(join(root, 'größe.txt'), 'Grüße\nzwei\n')
      writeFileSync(join(root, 'pixel.png'), Buffer.from(PIXEL, 'base64'))
      const server = await running(serveStdio(FILESYSTEM, [root], { era }))
      const effects = {
        write_file: 'write',
        edit_file: 'write',
        create_directory: 'write',
        move_file: 'write',
      } as const
      world = await under(openTheirs(server, { effects }))
    }, LONG)

    it('lists its tools and reads files, with structured results and media', async () => {
      verifies('EDIT-2.1', 'EDIT-2.3')
      expect(await world.connections.tools('theirs')).toHaveLength(14)
      expect(world.sent.some(({ method }) => method === 'initialize')).toBe(era === 'legacy')
      expect(await world.call('read_text_file', { path: join(root, 'größe.txt'), head: 1 })).toMatchObject({
        isError: false,
        structured: { content: 'Grüße' },
      })
      const media = await world.call('read_media_file', { path: join(root, 'pixel.png') })
      expect(media.content).toEqual([{ type: 'image', data: PIXEL, mimeType: 'image/png' }])
      expect((await world.call('directory_tree', { path: root })).text).toContain('größe.txt')
    })

    it('keeps to its folder, in its own words', async () => {
      const outcome = await world.call('read_text_file', { path: '/etc/passwd' })
      expect(outcome).toMatchObject({ isError: true, text: expect.stringContaining('denied') as string })
    })
  })

  describe('server-memory', () => {
    let world: TheirWorld
    beforeAll(async () => {
      const file = join(mkdtempSync(join(folder, 'memory-')), 'memory.jsonl')
      const server = await running(serveStdio(MEMORY, [], { era, env: { MEMORY_FILE_PATH: file } }))
      world = await under(openTheirs(server))
    }, LONG)

    it('keeps a graph, in structured results and as a resource', async () => {
      verifies('EDIT-2.1', 'EDIT-2.3')
      const entities = [{ name: 'Ada', entityType: 'person', observations: ['wrote the first program'] }]
      expect(await world.call('create_entities', { entities })).toMatchObject({
        isError: false,
        structured: { entities },
      })
      expect((await world.call('search_nodes', { query: 'program' })).structured).toMatchObject({ entities })
      const [graph] = await world.connections.readResource({
        server: 'theirs',
        uri: 'memory://knowledge-graph',
        signal,
      })
      expect(graph).toMatchObject({ mimeType: 'application/json', text: expect.stringContaining('Ada') as string })
      expect(await world.connections.prompts('theirs')).toEqual([])
    })
  })

  describe('server-sequential-thinking', () => {
    let world: TheirWorld
    beforeAll(async () => {
      world = await under(openTheirs(await running(serveStdio(THINKING, [], { era }))))
    }, LONG)

    it('takes its steps in order and answers with structured results', async () => {
      verifies('EDIT-2.1')
      const think = (thoughtNumber: number) =>
        world.call('sequentialthinking', {
          thought: 'hm',
          thoughtNumber,
          totalThoughts: 2,
          nextThoughtNeeded: thoughtNumber < 2,
        })
      expect((await think(1)).structured).toMatchObject({ nextThoughtNeeded: true, thoughtHistoryLength: 1 })
      expect((await think(2)).structured).toMatchObject({ nextThoughtNeeded: false, thoughtHistoryLength: 2 })
    })
  })
})

describe('a server that checks no approvals', () => {
  it(
    'is not even asked for a change, and goes on being read',
    async () => {
      verifies('EDIT-3.1')
      const root = mkdtempSync(join(folder, 'writes-'))
      const server = await running(serveStdio(FILESYSTEM, [root]))
      const world = await under(openTheirs(server, { effects: { write_file: 'write' } }))
      const path = join(root, 'new.txt')
      const outcome = await world.call('write_file', { path, content: 'x' })
      expect(outcome).toMatchObject({ isError: true, code: 'approval_not_enforced' })
      expect(existsSync(path)).toBe(false)
      expect(world.plans.entries()).toEqual([])
      expect(world.sent.some(({ method }) => method === 'tools/call')).toBe(false)
      expect(await world.call('list_directory', { path: root })).toMatchObject({ isError: false })
    },
    LONG,
  )
})
