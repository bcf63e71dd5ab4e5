import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startBridge } from '../../src/bridge/bridge.ts'
import type { Bridge } from '../../src/bridge/types.ts'
import { PIXEL } from '../connections/fixture-readables.ts'
import { ready, recordOf, startWorld, until, type World } from '../connections/world.ts'
import { verifies } from '../requirements.ts'
import { socketFetch } from './raw.ts'

let world: World
let bridge: Bridge
let runtimeDir: string
let clients: Client[]

beforeEach(async () => {
  runtimeDir = mkdtempSync(join(tmpdir(), 'gh-'))
  clients = []
  world = await startWorld({ announces: true })
  const { connections, catalog, plans } = world
  bridge = await startBridge({ connections, catalog, plans, runtimeDir, log: () => undefined, version: '0.1.0' })
})

afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()))
  await bridge.dispose()
  await world.stop()
  rmSync(runtimeDir, { recursive: true, force: true })
})

/** The reference client of 2025-11-25, over the socket. */
async function connect(id: string): Promise<Client> {
  const definition = bridge.resolve(id)
  if (!definition) throw new Error(`no definition ${id}`)
  const client = new Client({ name: 'editor', version: '1' }, { capabilities: {} })
  const transport = new StreamableHTTPClientTransport(new URL('http://localhost/'), {
    fetch: socketFetch(definition),
    requestInit: { headers: { ...definition.headers } },
  })
  await client.connect(transport)
  clients.push(client)
  return client
}

describe('the prompts', () => {
  it('are listed as reviewed, among the reads alone, and got with their arguments', async () => {
    verifies('EDIT-2.3')
    const reads = await connect('fixture/reads')
    expect((await reads.listPrompts()).prompts).toEqual([
      { name: 'greet', title: 'Greeting', description: 'Greets.', arguments: [{ name: 'who', required: true }] },
      { name: 'picture', description: 'Shows a picture and a file.', arguments: [] },
    ])
    expect(await reads.getPrompt({ name: 'greet', arguments: { who: 'Ada' } })).toEqual({
      description: 'A greeting',
      messages: [{ role: 'user', content: { type: 'text', text: 'Hello Ada' } }],
    })
    expect((await reads.getPrompt({ name: 'picture' })).messages).toEqual([
      { role: 'user', content: { type: 'image', data: PIXEL, mimeType: 'image/png' } },
      {
        role: 'assistant',
        content: {
          type: 'resource',
          resource: { uri: 'fixture://docs/readme', mimeType: 'text/plain', text: 'Read me first.' },
        },
      },
    ])
    expect((await connect('fixture/writes')).getServerCapabilities()?.prompts).toBeUndefined()
  })

  it('that are not on the record are refused in our words', async () => {
    verifies('AUTH-8.2')
    const reads = await connect('fixture/reads')
    await expect(reads.getPrompt({ name: 'other' })).rejects.toThrow('You may not use other on Fixture')
    expect(world.fixture.readables.asked).toEqual([])
  })
})

describe('the resources', () => {
  it('and their templates are listed and read', async () => {
    verifies('EDIT-2.3')
    const reads = await connect('fixture/reads')
    expect((await reads.listResources()).resources.map(({ uri }) => uri)).toEqual([
      'fixture://docs/logo',
      'fixture://docs/readme',
    ])
    expect((await reads.listResourceTemplates()).resourceTemplates).toEqual([
      { name: 'row', uriTemplate: 'fixture://rows/{id}', description: 'One row.', mimeType: 'application/json' },
    ])
    expect(await reads.readResource({ uri: 'fixture://docs/logo' })).toEqual({
      contents: [{ uri: 'fixture://docs/logo', mimeType: 'image/png', blob: PIXEL }],
    })
    expect((await reads.readResource({ uri: 'fixture://rows/7' })).contents).toMatchObject([
      { text: 'text of fixture://rows/7' },
    ])
  })

  it('that are not on the record are not found, and a failure of the server is told in our words', async () => {
    verifies('AUTH-8.2')
    const reads = await connect('fixture/reads')
    await expect(reads.readResource({ uri: 'fixture://secrets' })).rejects.toMatchObject({ code: -32002 })
    expect(world.fixture.readables.asked).toEqual([])
    await expect(reads.readResource({ uri: 'fixture://rows/0' })).rejects.toMatchObject({
      code: -32603,
      message: expect.not.stringContaining('<b>') as string,
    })
  })
})

describe('a change', () => {
  it('of what a server offers is told, once for each list that changed', async () => {
    const reads = await connect('fixture/reads')
    await Promise.all([reads.listPrompts(), reads.listResources()])
    const told: string[] = []
    reads.setNotificationHandler(PromptListChangedNotificationSchema, () => void told.push('prompts'))
    reads.setNotificationHandler(ResourceListChangedNotificationSchema, () => void told.push('resources'))
    world.fixture.readables.prompts.shift()
    await world.fixture.announce('prompts')
    await until(() => told.length > 0)
    expect((await reads.listPrompts()).prompts.map(({ name }) => name)).toEqual(['picture'])
    expect(told).toEqual(['prompts'])
  })

  it('of the record to none offers none, and starts the definition anew', async () => {
    const before = bridge.definitions()[0]?.version
    const record = { ...recordOf(world.fixture), prompts: [], resources: [] }
    world.catalog.show(ready([{ access: 'allowed', record }], 'v2'))
    await until(() => bridge.definitions()[0]?.version !== before)
    const capabilities = (await connect('fixture/reads')).getServerCapabilities()
    expect(capabilities?.prompts).toBeUndefined()
    expect(capabilities?.resources).toBeUndefined()
  })

  it('of the surface to one that was not reviewed offers nothing', async () => {
    verifies('REG-4.1')
    const reads = await connect('fixture/reads')
    world.fixture.readables.resources.push({ name: 'secrets', uri: 'fixture://secrets' })
    await world.fixture.announce('resources')
    await until(() => world.connections.health('fixture').kind === 'failed')
    expect((await reads.listPrompts()).prompts).toEqual([])
    expect((await reads.listResources()).resources).toEqual([])
    await expect(reads.getPrompt({ name: 'greet' })).rejects.toThrow('surface_mismatch')
  })
})
