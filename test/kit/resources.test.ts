import { defineResource, describeServer, type ServerDefinition, type StartConfig } from '@gatehouse/kit'
import {
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { verifies } from '../requirements.ts'
import { FixtureOffers, offersServer, PIXEL } from '../support/fixture-offers.ts'
import { startWorld, until, type World } from '../support/fixture-world.ts'
import { legacyClient } from '../support/legacy-client.ts'
import { modernRpc, type RpcAnswer } from '../support/modern-rpc.ts'

let world: World
let config: StartConfig
let ada: string
let finn: string
beforeAll(async () => {
  // A short life, so that the server asks for its record often.
  world = await startWorld(
    {},
    { life: 3 },
    offersServer(new FixtureOffers(), (given) => (config = given)),
  )
  ada = await world.issuer.token(world.url)
  finn = await world.issuer.token(world.url, { sub: 'finn', groups: ['finance'] })
})
afterAll(() => world.stop())

const ask = (method: string, params: Record<string, unknown> = {}, token = ada): Promise<RpcAnswer> =>
  modernRpc({ url: world.url, token, method, params })
const read = (uri: string, token = ada) => ask('resources/read', { uri }, token)

describe('lists of resources', () => {
  const uris = ({ result }: RpcAnswer) => (result?.['resources'] as { uri: string }[]).map(({ uri }) => uri)

  it('have what the caller may read, templates apart', async () => {
    verifies('SRV-KIT.13', 'AUTH-8.1')
    expect(uris(await ask('resources/list'))).toEqual(['fixture://glossary', 'fixture://ads/plan', 'fixture://logo'])
    expect(uris(await ask('resources/list', {}, finn))).toEqual(['fixture://glossary', 'fixture://logo'])
    expect((await ask('resources/templates/list')).result).toMatchObject({
      resourceTemplates: [{ name: 'table', uriTemplate: 'fixture://tables/{name}', mimeType: 'application/json' }],
      cacheScope: 'private',
    })
  })
})

describe('a resource', () => {
  it('is read as text, as bytes, and by a template, in both eras', async () => {
    verifies('SRV-KIT.13', 'SRV-KIT.2')
    const client = await legacyClient(world.url, ada)
    for (const [uri, content] of [
      ['fixture://glossary', { mimeType: 'text/markdown', text: '# Glossary' }],
      ['fixture://logo', { mimeType: 'image/png', blob: PIXEL }],
      ['fixture://tables/tpch.orders', { mimeType: 'application/json', text: '{"name":"tpch.orders"}' }],
    ] as const) {
      expect((await read(uri)).result).toMatchObject({
        contents: [{ uri, ...content }],
        cacheScope: 'private',
        ttlMs: 0,
      })
      expect((await client.readResource({ uri })).contents).toEqual([{ uri, ...content }])
    }
    await client.close()
  })

  it('that is not there, and an address that is none, are told apart from nothing', async () => {
    for (const uri of ['fixture://no', 'fixture://tables/', 'fixture://tables/a/b', 'fixture://tables/%', 'nonsense']) {
      expect((await read(uri)).error).toMatchObject({ code: -32602, data: { code: 'unknown_resource', uri } })
    }
    const client = await legacyClient(world.url, ada)
    await expect(client.readResource({ uri: 'fixture://no' })).rejects.toMatchObject({ code: -32602 })
    await client.close()
  })

  it('of a template is read with variables that fit, and within the server’s own policy', async () => {
    verifies('SRV-KIT.7')
    expect((await read('fixture://tables/DROP%20x')).error).toMatchObject({ data: { code: 'invalid_arguments' } })
    expect((await read('fixture://tables/..%2Fetc')).error).toMatchObject({ data: { code: 'invalid_arguments' } })
    expect((await read('fixture://tables/ads.revenue')).result).toBeDefined()
    expect((await read('fixture://tables/ads.revenue', finn)).error).toMatchObject({ data: { code: 'table_denied' } })
  })

  it('that may not be read says what is needed, or is not there where the server may not be known', async () => {
    verifies('AUTH-8.2', 'AUTH-8.3')
    expect((await read('fixture://ads/plan', finn)).error).toMatchObject({
      message: 'needs the group ads; ask #fixture-help',
      data: { code: 'denied' },
    })
    const hidden = await startWorld({}, { record: { discoverable: false } }, offersServer())
    try {
      const token = await hidden.issuer.token(hidden.url, { groups: ['finance'] })
      const asked = async (uri: string) => {
        const { status, error } = await modernRpc({ url: hidden.url, token, method: 'resources/read', params: { uri } })
        return JSON.stringify({ status, error }).replaceAll(uri, 'URI')
      }
      expect(await asked('fixture://ads/plan')).toBe(await asked('fixture://ads/none'))
    } finally {
      await hidden.stop()
    }
  })

  it('of a record that does not name it is not served, whatever the policy says', async () => {
    verifies('AUTH-8.2')
    const partial = await startWorld({}, { record: { resources: [], prompts: [] } }, offersServer())
    try {
      const token = await partial.issuer.token(partial.url)
      const asked = (method: string, params = {}) => modernRpc({ url: partial.url, token, method, params })
      expect((await asked('resources/read', { uri: 'fixture://glossary' })).error).toMatchObject({
        message: 'unknown resource',
      })
      expect((await asked('resources/list')).result).toMatchObject({ resources: [] })
      expect((await asked('prompts/list')).result).toMatchObject({ prompts: [] })
    } finally {
      await partial.stop()
    }
  })

  it('and every refusal is in the audit, without content, and without what an address may hide', async () => {
    verifies('OBS-2.1', 'OBS-2.2', 'SRV-KIT.13')
    await read('fixture://tables/tpch.nation')
    await read('fixture://ads/plan', finn)
    await read('fixture://x?token=abcdef0123456789')
    const seen = (resource: string, outcome: string) =>
      world.registry.audit.find((event) => event.resource === resource && event.outcome === outcome)
    await until(() => world.registry.audit.some(({ outcome }) => outcome === 'unknown_resource'))
    await until(() => seen('ads_plan', 'denied') !== undefined)
    expect(seen('table', 'ok')).toMatchObject({ action: 'read', caller: { subject: 'ada' } })
    expect(seen('ads_plan', 'denied')).toMatchObject({ action: 'refuse' })
    const everything = JSON.stringify(world.registry.audit)
    expect(everything).not.toContain('abcdef0123456789')
    expect(everything).not.toContain('# Glossary')
  })

  it('of a template has suggestions for its variables', async () => {
    const params = {
      ref: { type: 'ref/resource', uri: 'fixture://tables/{name}' },
      argument: { name: 'name', value: 'tpch.' },
    }
    expect((await ask('completion/complete', params)).result).toMatchObject({
      completion: { values: ['tpch.nation', 'tpch.orders'] },
    })
  })
})

describe('news', () => {
  afterEach(() => world.registry.answer({ kind: 'signed', record: world.record(), life: 3 }))

  it('of a resource reach those who asked, and may read it', async () => {
    verifies('SRV-KIT.13')
    const heard: string[] = []
    const client = await legacyClient(world.url, ada, {}, (made) =>
      made.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void heard.push(params.uri)),
    )
    await client.subscribeResource({ uri: 'fixture://ads/plan' })
    await until(() => {
      config.resourceChanged('fixture://ads/plan')
      return heard.length > 0
    })
    config.resourceChanged('fixture://glossary')
    await client.unsubscribeResource({ uri: 'fixture://ads/plan' })
    const before = heard.length
    config.resourceChanged('fixture://ads/plan')
    await client.subscribeResource({ uri: 'fixture://logo' })
    await until(() => {
      config.resourceChanged('fixture://logo')
      return heard.includes('fixture://logo')
    })
    expect(heard.filter((uri) => uri === 'fixture://ads/plan')).toHaveLength(before)
    expect(heard).not.toContain('fixture://glossary')
    await client.close()
    const other = await legacyClient(world.url, finn)
    await expect(other.subscribeResource({ uri: 'fixture://ads/plan' })).rejects.toMatchObject({ code: -32602 })
    await other.close()
  })

  it('of a record under which lists differ reach every session', async () => {
    verifies('SRV-KIT.13', 'REG-3.1')
    let heard = 0
    const client = await legacyClient(world.url, ada, {}, (made) =>
      made.setNotificationHandler(ToolListChangedNotificationSchema, () => void heard++),
    )
    const record = world.record()
    const tools = record.tools.map((tool) => (tool.name === 'chatty' ? { ...tool, groups: ['nobody'] } : tool))
    world.registry.answer({ kind: 'signed', record: { ...record, tools }, life: 3 })
    await until(() => heard > 0)
    expect((await client.listTools()).tools.map(({ name }) => name)).not.toContain('chatty')
    await client.close()
  })
})

describe('a server that is written wrongly does not start', () => {
  const common = { title: 'T', description: 'D', mimeType: 'text/plain', policy: {}, read: async () => ({ text: '' }) }
  const variables = z.strictObject({ id: z.string() })
  const code = (...toolsClass: ServerDefinition['toolsClass'] & readonly unknown[]) => {
    try {
      describeServer({ ...offersServer(), toolsClass })
    } catch (error) {
      return (error as { code: string }).code
    }
    return 'none'
  }

  it('with addresses, templates or variables that cannot be decided on', () => {
    verifies('SRV-KIT.13')
    const fixed = (name: string, uri: string) => defineResource({ ...common, name, uri })
    const template = (uriTemplate: string, shape = variables) =>
      defineResource({ ...common, name: 'x', uriTemplate, variables: shape })
    expect(code(fixed('x', 'a://b'))).toBe('none')
    expect(code(template('a://{id}/b'))).toBe('none')
    expect(code({ ...fixed('x', 'a://b'), policy: undefined })).toBe('resource_without_policy')
    expect(code(fixed('x', 'a://b'), fixed('x', 'a://c'))).toBe('resource_duplicate')
    expect(code(fixed('x', 'a://b'), fixed('y', 'a://b'))).toBe('resource_duplicate')
    for (const wrong of ['no address', 'a://{+id}', 'a://{id}{id}', 'a://{id', 'a://b', 'a://{other}']) {
      expect(code(wrong === 'no address' ? fixed('x', wrong) : template(wrong))).toBe('resource_invalid')
    }
    const two = z.strictObject({ id: z.string(), part: z.string() })
    expect(code(template('a://{id}-{part}', two as never))).toBe('resource_invalid')
  })
})
