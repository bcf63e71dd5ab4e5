import { defineTool, definePrompt, defineResource, type Offer, type ServerDefinition } from '@gatehouse/kit'
import { z } from 'zod'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifies } from '../requirements.ts'
import { startWorld, until, type World } from '../support/fixture-world.ts'

const empty = z.strictObject({})
const tool = { title: 'T', description: 'T', output: empty, effect: 'read' as const, minutesSaved: 0 }
const annotations = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }
const nothing = async () => ({ structured: {}, text: '' })
const OFFERS: readonly Offer[] = [
  defineTool({ ...tool, name: 'open', annotations, input: empty, policy: {}, run: nothing }),
  defineTool({ ...tool, name: 'leads', annotations, input: empty, policy: { groups: ['leads'] }, run: nothing }),
  defineTool({
    ...tool,
    name: 'export',
    annotations,
    input: empty,
    policy: { scopes: ['fixture:export'] },
    run: nothing,
  }),
  defineTool({
    ...tool,
    name: 'export_leads',
    annotations,
    input: empty,
    policy: { scopes: ['fixture:export'], groups: ['leads'] },
    run: nothing,
  }),
  defineTool({
    ...tool,
    name: 'read',
    annotations,
    input: z.strictObject({ table: z.string().default('ads.all'), limit: z.int().optional() }),
    policy: { arguments: { table: { like: ['ads.*'], unlessGroups: ['auditors'] } } },
    run: nothing,
  }),
  definePrompt({
    name: 'export',
    title: 'T',
    description: 'T',
    input: empty,
    policy: { scopes: ['fixture:prompts', 'fixture:export'] },
    run: async () => ({ messages: [{ role: 'user', content: { type: 'text', text: 'x' } }] }),
  }),
  defineResource({
    name: 'export',
    title: 'T',
    description: 'T',
    uri: 'fixture://export',
    mimeType: 'text/plain',
    policy: { scopes: ['fixture:export'] },
    read: async () => ({ text: 'x' }),
  }),
]
const SERVER: ServerDefinition = {
  id: 'fixture',
  title: 'Fixture',
  version: '1.2.3',
  toolsClass: OFFERS,
  start: async () => ({ tools: OFFERS, dispose: async () => undefined }),
}

let world: World
let hidden: World
beforeAll(async () => {
  ;[world, hidden] = await Promise.all([
    startWorld({}, {}, SERVER),
    startWorld({}, { record: { discoverable: false } }, SERVER),
  ])
})
afterAll(() => Promise.all([world.stop(), hidden.stop()]))

type Era = '2026-07-28' | '2025-11-25'
const ERAS: readonly Era[] = ['2026-07-28', '2025-11-25']
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'curl', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

async function post(
  of: World,
  token: string,
  era: Era,
  method: string,
  params: Record<string, unknown> = {},
): Promise<Answer> {
  const modern = era === '2026-07-28'
  const name = (params['name'] ?? params['uri']) as string | undefined
  const response = await fetch(of.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${token}`,
      'mcp-protocol-version': era,
      ...(modern && { 'mcp-method': method }),
      ...(modern && name !== undefined && { 'mcp-name': name }),
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 7,
      method,
      params: modern ? { ...params, _meta: META } : params,
    }),
  })
  return { status: response.status, headers: response.headers, body: await response.text() }
}

const refusals = (of: World, sub: string) =>
  of.registry.audit.filter(({ caller }) => caller?.kind === 'user' && caller.subject === sub)

describe.each(ERAS)('at the door, era %s', (era) => {
  it.each(['tools/list', 'tools/call', 'prompts/get', 'initialize', 'server/discover', 'no/such/method'])(
    'whoever may not use the server is told why, whatever they ask: %s',
    async (method) => {
      verifies('AUTH-9.3', 'AUTH-8.3')
      const sub = `outsider ${era} ${method}`
      const token = await world.issuer.token(world.url, { sub, groups: ['infra'] })
      const answer = await post(world, token, era, method, { name: 'open' })
      expect(answer.status).toBe(403)
      expect(JSON.parse(answer.body)).toEqual({
        jsonrpc: '2.0',
        id: null,
        error: {
          code: -32000,
          message: 'needs one of the groups ads, finance; ask #fixture-help',
          data: { code: 'denied' },
        },
      })
      await until(() => refusals(world, sub).length > 0)
      expect(refusals(world, sub)).toMatchObject([
        { action: 'refuse', outcome: 'denied', decision: { allowed: false, rule: 'server-groups' } },
      ])
    },
  )

  it('a server that is not discoverable says nothing of itself', async () => {
    verifies('AUTH-9.3')
    for (const claims of [{ groups: ['infra'] }, { client_id: 'other-web' }]) {
      const { status, body } = await post(hidden, await hidden.issuer.token(hidden.url, claims), era, 'tools/list')
      expect([status, (JSON.parse(body) as { error: object }).error]).toEqual([
        403,
        { code: -32000, message: 'not available', data: { code: 'denied' } },
      ])
    }
  })

  it('a call that lacks a scope alone is told which', async () => {
    verifies('AUTH-8.7')
    const sub = `narrow ${era}`
    const token = await world.issuer.token(world.url, { sub })
    const { status, headers, body } = await post(world, token, era, 'tools/call', { name: 'export', arguments: {} })
    expect(status).toBe(403)
    expect(JSON.parse(body)).toMatchObject({
      id: 7,
      error: {
        message: 'needs a token with the scopes fixture:export; ask #fixture-help',
        data: { code: 'insufficient_scope' },
      },
    })
    expect(headers.get('www-authenticate')).toMatch(
      /^Bearer error="insufficient_scope", .*scope="fixture:export", resource_metadata="[^"]+", DPoP algs="ES256", error="insufficient_scope"/,
    )
    await until(() => refusals(world, sub).length > 0)
    expect(refusals(world, sub)).toMatchObject([
      { action: 'refuse', tool: 'export', outcome: 'insufficient_scope', decision: { rule: 'tool-policy-scopes' } },
    ])
  })
})

describe('a scope', () => {
  const era = '2026-07-28'
  const scoped = (scope: string) => world.issuer.token(world.url, { scope })

  it('is needed for prompts and resources as for tools, and is enough', async () => {
    verifies('AUTH-8.7')
    const narrow = await scoped('mcp')
    const asked: [string, Record<string, unknown>, string][] = [
      ['tools/call', { name: 'export', arguments: {} }, 'fixture:export'],
      ['prompts/get', { name: 'export', arguments: {} }, 'fixture:prompts fixture:export'],
      ['resources/read', { uri: 'fixture://export' }, 'fixture:export'],
    ]
    for (const [method, params, needed] of asked) {
      const { status, headers } = await post(world, narrow, era, method, params)
      expect([method, status]).toEqual([method, 403])
      expect(headers.get('www-authenticate')).toContain(`scope="${needed}"`)
      const wide = await post(world, await scoped(`mcp ${needed}`), era, method, params)
      expect([method, wide.status, wide.body]).toEqual([method, 200, expect.stringContaining('"result"')])
    }
  })

  it('is named to those alone who may use the tool otherwise, and what lacks it is listed', async () => {
    verifies('AUTH-8.7', 'AUTH-8.1')
    const narrow = await scoped('mcp')
    const denied = await post(world, narrow, era, 'tools/call', { name: 'export_leads', arguments: {} })
    expect([denied.status, denied.body]).toEqual([200, expect.stringContaining('needs the group leads')])
    const { body } = await post(world, narrow, era, 'tools/list')
    const names = (JSON.parse(body) as { result: { tools: { name: string }[] } }).result.tools.map(({ name }) => name)
    expect(names).toEqual(['open', 'export', 'read'])
  })

  it('is among those that the metadata of the server names', async () => {
    const metadata = await fetch(`${world.server.url}/.well-known/oauth-protected-resource/mcp`)
    expect(await metadata.json()).toMatchObject({ scopes_supported: ['mcp', 'fixture:export', 'fixture:prompts'] })
  })
})

describe('arguments', () => {
  const call = async (args: object, claims: object = {}) =>
    post(world, await world.issuer.token(world.url, { ...claims }), '2026-07-28', 'tools/call', {
      name: 'read',
      arguments: args,
    })

  it('are decided once they are validated, and the refusal is in the audit', async () => {
    verifies('AUTH-8.6')
    expect((await call({ table: 'ads.x' })).body).toContain('"structuredContent"')
    expect((await call({ table: 7 })).body).toContain('invalid_arguments')
    const sub = 'hr reader'
    expect((await call({})).body).toContain('"structuredContent"')
    for (const args of [{ table: 'hr.x' }, { table: 'hr.y', limit: 1 }])
      expect((await call(args, { sub })).body).toContain('the argument table must be ads.*; ask #fixture-help')
    await until(() => refusals(world, sub).length === 2)
    expect(refusals(world, sub)[0]).toMatchObject({
      action: 'refuse',
      outcome: 'denied',
      decision: { rule: 'tool-arguments' },
    })
    expect((await call({ table: 'hr.x' }, { groups: ['ads', 'auditors'] })).body).toContain('"structuredContent"')
  })
})

it.each(ERAS)(
  'a tool of a hidden server that may not be called is to the byte as one that is not there, era %s',
  async (era) => {
    verifies('AUTH-8.2')
    const token = await hidden.issuer.token(hidden.url)
    const session = await sessionOf(era, token)
    const ask = async (name: string) => {
      const { status, body } = await session('tools/call', { name, arguments: {} })
      return [status, body]
    }
    const unknown = await ask('no_such_tool')
    expect(unknown[1]).toContain('unknown tool')
    expect(await ask('leads')).toEqual(unknown)
    expect(await ask('export_leads')).toEqual(unknown)
  },
)

/** Requests of one session, which the legacy era needs. */
async function sessionOf(era: Era, token: string) {
  if (era === '2026-07-28')
    return (method: string, params: Record<string, unknown>) => post(hidden, token, era, method, params)
  const opened = await post(hidden, token, era, 'initialize', {
    protocolVersion: era,
    capabilities: {},
    clientInfo: { name: 'curl', version: '1' },
  })
  const id = opened.headers.get('mcp-session-id') ?? ''
  return async (method: string, params: Record<string, unknown>): Promise<Answer> => {
    const response = await fetch(hidden.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${token}`,
        'mcp-protocol-version': era,
        'mcp-session-id': id,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 7, method, params }),
    })
    return { status: response.status, headers: response.headers, body: await response.text() }
  }
}
