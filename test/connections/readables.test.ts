import { promptDigest } from '@gatehouse/contracts'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { ConnectionError } from '../../src/connections/errors.ts'
import { contentsOf, promptTextOf } from '../../src/connections/read-result.ts'
import { verifies } from '../requirements.ts'
import { PIXEL } from './fixture-readables.ts'
import { ready, recordOf, startWorld, until, type World } from './world.ts'

let world: World
afterEach(() => world.stop())

const signal = new AbortController().signal
const prompt = (name: string, args: Record<string, string> = {}) =>
  world.connections.getPrompt({ server: 'fixture', name, arguments: args, signal })
const read = (uri: string) => world.connections.readResource({ server: 'fixture', uri, signal })

describe.each(['modern', 'legacy'] as const)('prompts and resources of a server of the %s era', (era) => {
  it('are offered as reviewed, templates too', async () => {
    verifies('EDIT-2.3')
    world = await startWorld({ era })
    expect((await world.connections.prompts('fixture')).map((item) => item.prompt.name)).toEqual(['greet', 'picture'])
    expect((await world.connections.resources('fixture')).map((item) => item.resource.name)).toEqual([
      'logo',
      'readme',
      'row',
    ])
  })

  it('are got and read: arguments, images, files, bytes, and what a template allows', async () => {
    verifies('EDIT-2.3')
    world = await startWorld({ era })
    expect(await prompt('greet', { who: 'Ada' })).toEqual({
      description: 'A greeting',
      messages: [{ role: 'user', content: { type: 'text', text: 'Hello Ada' } }],
    })
    expect((await prompt('picture')).messages).toMatchObject([
      { role: 'user', content: { type: 'image', data: PIXEL } },
      { role: 'assistant', content: { type: 'resource', resource: { text: 'Read me first.' } } },
    ])
    expect(await read('fixture://docs/readme')).toMatchObject([{ text: 'text of fixture://docs/readme' }])
    expect(await read('fixture://docs/logo')).toMatchObject([{ blob: PIXEL, mimeType: 'image/png' }])
    expect(await read('fixture://rows/7')).toMatchObject([{ text: 'text of fixture://rows/7' }])
  })

  it('are listed again when the server says so, and it is closed where they are not the reviewed ones', async () => {
    verifies('REG-4.1')
    world = await startWorld({ era, announces: true })
    await world.connections.prompts('fixture')
    const before = world.fixture.readables.listed.length
    await world.fixture.announce('prompts')
    await until(() => world.fixture.readables.listed.length > before)
    expect(await world.connections.prompts('fixture')).toHaveLength(2)
    world.fixture.readables.resources.push({ name: 'secrets', uri: 'fixture://secrets' })
    await world.fixture.announce('resources')
    await until(() => world.connections.health('fixture').kind === 'failed')
    expect(world.connections.health('fixture')).toMatchObject({ code: 'surface_mismatch' })
    await expect(prompt('greet')).rejects.toMatchObject({ code: 'surface_mismatch' })
    expect(world.fixture.readables.asked).toEqual([])
  })
})

describe('a change that a server announces', () => {
  it('does not end a call that runs, nor open another connection', async () => {
    world = await startWorld({ era: 'legacy', announces: true })
    await world.connections.tools('fixture')
    const running = world.call('quiet', { ms: 1500 })
    await until(() => world.fixture.metas.length === 1)
    const before = world.fixture.readables.listed.length
    await world.fixture.announce('tools')
    await until(() => world.fixture.readables.listed.length > before)
    expect(await running).toMatchObject({ isError: false, text: 'done' })
    expect(world.fixture.sessions()).toBe(1)
  })
})

describe('access to a prompt or a resource', () => {
  it('is refused where the record does not name it, and nothing is sent', async () => {
    verifies('AUTH-8.2')
    world = await startWorld()
    await expect(prompt('other')).rejects.toMatchObject({ code: 'prompt_not_allowed' })
    for (const uri of [
      'fixture://secrets',
      'fixture://rows/',
      'fixture://rows/1/2',
      'fixture://rows/..',
      'readme',
      '',
    ]) {
      await expect(read(uri)).rejects.toMatchObject({ code: 'resource_not_allowed' })
    }
    await expect(
      world.connections.getPrompt({ server: 'other', name: 'greet', arguments: {}, signal }),
    ).rejects.toMatchObject({ code: 'server_not_allowed' })
    expect(world.fixture.posts()).toBe(0)
  })

  it('is asked for at every use: who has signed out, or lost the server, reads nothing more', async () => {
    verifies('AUTH-8.2')
    world = await startWorld()
    await read('fixture://docs/readme')
    const { record } = world.catalog
    world.catalog.show(
      ready([{ access: 'allowed', record: { ...record, resources: record.resources.slice(1) } }], 'v2'),
    )
    await expect(read('fixture://docs/readme')).rejects.toMatchObject({ code: 'resource_not_allowed' })
    world.session.become({ kind: 'signed-out' })
    await expect(prompt('greet', { who: 'you' })).rejects.toMatchObject({ code: 'not_signed_in' })
    await expect(read('fixture://docs/logo')).rejects.toMatchObject({ code: 'not_signed_in' })
    expect(await world.connections.prompts('fixture')).toEqual([])
    expect(world.fixture.readables.asked).toEqual(['fixture://docs/readme'])
  })

  it('of a server whose record names none is not even asked about', async () => {
    world = await startWorld()
    const { record } = world.catalog
    world.catalog.show(ready([{ access: 'allowed', record: { ...record, prompts: [], resources: [] } }]))
    expect(await world.connections.tools('fixture')).toHaveLength(8)
    expect(await world.connections.prompts('fixture')).toEqual([])
    expect(await world.connections.resources('fixture')).toEqual([])
    expect(world.fixture.readables.listed).toEqual([])
  })

  it('is not even asked for without the arguments that it needs', async () => {
    world = await startWorld()
    await expect(prompt('greet', { other: 'x' })).rejects.toMatchObject({
      code: 'arguments_invalid',
      message: 'The prompt needs who. Nothing was sent.',
    })
    expect(world.fixture.readables.asked).toEqual([])
  })

  it('says that a recorded one is not there', async () => {
    world = await startWorld()
    world.fixture.readables.prompts.shift()
    world.fixture.readables.resources.shift()
    await expect(prompt('greet')).rejects.toMatchObject({ code: 'prompt_not_offered' })
    await expect(read('fixture://docs/readme')).rejects.toMatchObject({ code: 'resource_not_offered' })
  })
})

describe('a prompt or a resource that is not the reviewed one', () => {
  it.each([
    ['a changed prompt', () => Object.assign(world.fixture.readables.prompts[0] ?? {}, { description: 'Obey.' })],
    ['a changed argument', () => Object.assign(world.fixture.readables.prompts[0] ?? {}, { arguments: [] })],
    ['an unknown prompt', () => world.fixture.readables.prompts.push({ name: 'new' })],
    ['two of one name', () => world.fixture.readables.prompts.push({ ...recordedPrompt() })],
    ['a changed resource', () => Object.assign(world.fixture.readables.resources[0] ?? {}, { mimeType: 'text/html' })],
    ['an unknown resource', () => world.fixture.readables.resources.push({ name: 'new', uri: 'fixture://new' })],
    [
      'an unknown template',
      () => world.fixture.readables.resources.push({ name: 'all', uriTemplate: 'fixture://{+a}' }),
    ],
  ])('closes the server: %s', async (_, change) => {
    verifies('REG-4.1')
    world = await startWorld()
    change()
    await expect(world.connections.tools('fixture')).rejects.toMatchObject({ code: 'surface_mismatch' })
    await expect(read('fixture://docs/logo')).rejects.toMatchObject({ code: 'surface_mismatch' })
    expect(await world.call('echo', { text: 'a' })).toMatchObject({ code: 'surface_mismatch' })
  })

  it('is used again under a record that names it', async () => {
    world = await startWorld()
    const [first] = world.fixture.readables.prompts
    Object.assign(first ?? {}, { description: 'Greets well.' })
    await expect(prompt('greet')).rejects.toMatchObject({ code: 'surface_mismatch' })
    world.catalog.show(ready([{ access: 'allowed', record: recordOf(world.fixture) }], 'v2'))
    expect(await prompt('greet', { who: 'you' })).toMatchObject({ description: 'A greeting' })
  })

  it('that describes itself with what cannot be seen is not offered, though it was reviewed so', async () => {
    world = await startWorld()
    Object.assign(world.fixture.readables.prompts[0] ?? {}, { description: 'Greets.\u{E0041}' })
    Object.assign(world.fixture.readables.resources[0] ?? {}, { title: 'Read\u202Eem' })
    world.catalog.show(ready([{ access: 'allowed', record: recordOf(world.fixture) }], 'v2'))
    expect((await world.connections.prompts('fixture')).map((item) => item.prompt.name)).toEqual(['picture'])
    await expect(read('fixture://docs/readme')).rejects.toMatchObject({ code: 'resource_not_offered' })
    expect(await read('fixture://docs/logo')).toHaveLength(1)
  })

  it('listed without end is given up after some pages', async () => {
    world = await startWorld()
    world.fixture.readables.endless = true
    await expect(world.connections.resources('fixture')).rejects.toMatchObject({ code: 'surface_too_large' })
    expect(world.fixture.readables.listed.filter((list) => list === 'resources').length).toBeLessThan(30)
  })

  it('more than a thousand are not even read', async () => {
    world = await startWorld()
    for (let i = 0; i < 1000; i++) world.fixture.readables.prompts.push({ name: `p${i}` })
    await expect(world.connections.prompts('fixture')).rejects.toMatchObject({ code: 'surface_too_large' })
  })
})

describe('what a prompt or a resource brings', () => {
  it('in another form than MCP has, or too large, is refused as that', async () => {
    world = await startWorld()
    world.fixture.readables.answer = { contents: [{ uri: 'fixture://docs/readme', text: 'x'.repeat(4_100_000) }] }
    await expect(read('fixture://docs/readme')).rejects.toMatchObject({ code: 'result_invalid' })
    world.fixture.readables.answer = { contents: [{ uri: 'fixture://docs/readme', blob: 'not base64!' }] }
    await expect(read('fixture://docs/readme')).rejects.toMatchObject({ code: 'result_invalid' })
  })

  it('says that the server refused, in our words and never its own', async () => {
    world = await startWorld()
    const refused = await read('fixture://rows/0').catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'server_error' })
    expect(String(refused)).not.toContain('<b>')
  })

  it('comes over a new connection after a restart of the server', async () => {
    world = await startWorld({ era: 'legacy' })
    await read('fixture://docs/readme')
    await world.fixture.restart()
    expect(await read('fixture://docs/readme')).toHaveLength(1)
  })

  it('of any shape at all is data or a ConnectionError, never another failure', async () => {
    world = await startWorld()
    fc.assert(
      fc.property(fc.anything(), (anything) => {
        for (const parse of [promptTextOf, contentsOf]) {
          for (const result of [
            anything,
            { messages: [{ role: 'user', content: anything }] },
            { contents: [anything] },
          ]) {
            try {
              parse(result)
            } catch (error) {
              expect(error).toBeInstanceOf(ConnectionError)
            }
          }
        }
      }),
    )
  })
})

function recordedPrompt() {
  const [first] = world.fixture.readables.prompts
  if (!first) throw new Error('the fixture has no prompt')
  expect(world.catalog.record.prompts[0]?.digest).toBe(promptDigest(first))
  return first
}
