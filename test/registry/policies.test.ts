import {
  ListClaims,
  type ListedServer,
  type ServerPolicy,
  type ServerRecord,
  type UserCaller,
} from '@gatehouse/contracts'
import { createPolicy } from '@gatehouse/kit'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Decisions } from '../../companion/services/registry/src/decisions/decisions.ts'
import { Policies } from '../../companion/services/registry/src/decisions/policies.ts'
import { verifies } from '../requirements.ts'
import { type DecidedWorld, type Person, startDecidedWorld } from './decided-world.ts'
import { ruledRecord } from './ruled-servers.ts'

const ada: Person = { groups: ['ads'], client: 'editor' }
const finn: Person = { user: 'finn', groups: ['finance'], client: 'editor' }
const chat = (channel?: string): Person => ({ ...ada, client: 'chat', channel })
const record = ruledRecord('ruled', 'https://ruled.example/mcp')
const changed = (policy: Partial<ServerPolicy>): ServerRecord => ({
  ...record,
  policy: { ...record.policy, tools: {}, prompts: {}, resources: {}, ...record.policy, ...policy },
})
const { open: _open, ...withoutOpen } = record.policy?.tools ?? {}

let world: DecidedWorld
beforeAll(async () => {
  world = await startDecidedWorld()
  const response = await world.put(record)
  if (!response.ok) throw new Error(await response.text())
})
afterAll(() => world.stop())

async function listed(person: Person): Promise<readonly ListedServer[]> {
  return ListClaims.parse(decodeJwt(await (await world.list(person)).text())).servers
}
async function toolsOf(person: Person, id = 'ruled'): Promise<readonly string[]> {
  const server = (await listed(person)).find((one) => one.access === 'allowed' && one.record.id === id)
  return server?.access === 'allowed' ? server.record.tools.map(({ name }) => name) : []
}

describe('a record whose policy', () => {
  test.each<[string, ServerRecord, RegExp]>([
    [
      'names a tool that the record lacks',
      changed({ tools: { ...record.policy?.tools, gone: {} } }),
      /^policy\.tools\.gone: /,
    ],
    ['says nothing of a tool of the record', changed({ tools: withoutOpen }), /^policy\.tools: says nothing of open$/],
    [
      'names a prompt that the record lacks',
      changed({ prompts: { ...record.policy?.prompts, x: {} } }),
      /^policy\.prompts\.x: /,
    ],
    [
      'names a resource that the record lacks',
      changed({ resources: {} }),
      /^policy\.resources: says nothing of glossary$/,
    ],
    ['has no syntax', changed({ cedar: 'permit (principal' }), /^policy\.cedar: /],
    [
      'does not fit the schema',
      changed({ cedar: '@id("x") permit (principal, action, resource is Nothing);' }),
      /^policy\.cedar: .*Nothing/,
    ],
    [
      'has an id twice',
      changed({ cedar: `${record.policy?.cedar}${record.policy?.cedar}` }),
      /^policy\.cedar: .*id docs/,
    ],
    [
      'has a rule of the name of the kit’s',
      changed({ cedar: '@id("server-groups") permit (principal, action, resource);' }),
      /server-groups/,
    ],
    ['has a schema that is none', changed({ cedarSchema: 'entity' }), /^policy\.cedar: /],
    ['adds an action', changed({ cedarSchema: 'action "own";' }), /may not add an action/],
  ])('%s is refused, and what was listed before stays', async (_, wrong, message) => {
    verifies('AUTH-8.2')
    const response = await world.put(wrong)
    expect([response.status, await response.json()]).toEqual([
      400,
      { code: 'policy_invalid', message: expect.stringMatching(message) as unknown },
    ])
    expect(await toolsOf(ada)).toContain('open')
  })

  test('has a field that there is not is refused as a record', async () => {
    const response = await world.put(
      changed({ tools: { ...record.policy?.tools, open: { group: ['ads'] } as object } }),
    )
    expect([response.status, await response.json()]).toEqual([
      400,
      { code: 'record_invalid', message: expect.stringMatching(/^policy\.tools\.open/) as unknown },
    ])
  })

  test('cannot be used any more lets nobody in, and the log says so', async () => {
    verifies('AUTH-8.2')
    const broken = ruledRecord('broken', 'https://broken.example/mcp', {
      policy: { ...changed({}).policy, cedar: 'broken' } as ServerPolicy,
    })
    const now = new Date()
    await world.database
      .insertInto('servers')
      .values({
        id: 'broken',
        name: broken.name,
        version: '1',
        revision: '900000',
        record: JSON.stringify(broken),
        suspension: null,
        updated_at: now,
      })
      .execute()
    try {
      expect((await listed(ada)).find((one) => 'id' in one && one.id === 'broken')).toMatchObject({ access: 'denied' })
      const answer = await world.authorize(ada, { server: 'broken', tool: 'open' })
      expect(await answer.json()).toMatchObject({ allowed: false, rule: 'error' })
      expect(world.logged.join('\n')).toContain('"server":"broken"')
    } finally {
      await world.database.deleteFrom('servers').where('id', '=', 'broken').execute()
    }
  })
})

describe('the list', () => {
  test('holds what the server would list by its own policy, whatever the scopes of the token', async () => {
    verifies('AUTH-8.1', 'REG-5.1')
    expect(await toolsOf(ada)).toEqual([
      'open',
      'ads',
      'scoped',
      'ide_only',
      'in_room',
      'argued',
      'no_table',
      'by_hand',
      'ask',
    ])
    expect(await toolsOf({ ...ada, roles: ['editor'] })).toEqual(expect.arrayContaining(['editors', 'everything']))
    expect(await toolsOf({ ...finn, client: 'shell' })).toEqual([
      'open',
      'scoped',
      'in_room',
      'argued',
      'no_table',
      'change',
      'ask',
    ])
  })

  test('tells no client of policies, workloads and clients, nor does /v0.1', async () => {
    verifies('REG-5.1')
    await world.put(ruledRecord('shown', 'https://shown.example/mcp', { public: true }))
    const [first] = (await listed(ada)).flatMap((one) => (one.access === 'allowed' ? [one.record] : []))
    expect(first).toMatchObject({ clients: [], workloads: [] })
    expect(first).not.toHaveProperty('policy')
    const official = `${world.url}/v0.1/servers`
    const own = await world.headers({ ...ada, client: 'shell' }, world.url, 'GET', official)
    for (const headers of [{}, own]) {
      const text = await (await fetch(official, { headers })).text()
      expect(text).toContain('dev.gatehouse/shown')
      expect(text).not.toMatch(/"policy"|no-secret-notes|spiffe:|"clientId"/)
    }
  })

  test('is another in each channel, and so is its entity tag', async () => {
    verifies('AUTH-11.2', 'REG-5.1')
    expect(await toolsOf(chat('#room'))).toContain('in_room')
    expect(await toolsOf(chat('#hall'))).not.toContain('in_room')
    expect(await toolsOf(chat('#random'))).toEqual([])
    expect(await toolsOf(chat())).toEqual([])
    const [room, hall] = await Promise.all([world.list(chat('#room')), world.list(chat('#hall'))])
    const tag = room.headers.get('ETag') ?? ''
    expect(hall.headers.get('ETag')).not.toBe(tag)
    expect((await world.list(chat('#room'), { 'If-None-Match': tag })).status).toBe(304)
    expect((await world.list(chat('#hall'), { 'If-None-Match': tag })).status).toBe(200)
  })

  test('has another entity tag also where two channels see the same', async () => {
    const tags = await Promise.all(
      ['#random', '#other'].map(async (name) => (await world.list(chat(name))).headers.get('ETag')),
    )
    expect(tags[0]).not.toBe(tags[1])
  })
})

describe('the policies of the registry', () => {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }

  test('are made once for each text, however often its record is renewed', () => {
    const policies = new Policies(log)
    const again = structuredClone(record)
    expect(policies.of(again)).toBe(policies.of(record))
    expect(policies.of(changed({ cedar: '' }))).not.toBe(policies.of(record))
  })

  test('decide as the server’s own do, and are not widened by the record', () => {
    const decisions = new Decisions(new Policies(log), [])
    const caller: UserCaller = { kind: 'user', subject: 'ada', groups: ['ads'], client: 'editor', surface: 'ide' }
    const access = decisions.access(caller, record)
    for (const { name } of record.tools) {
      const input = { caller, action: 'call', resource: { kind: 'tool', name }, record } as const
      expect(decisions.decide(access, record, 'call', input.resource)).toEqual(
        createPolicy(record.policy).decide(input),
      )
    }
    expect(decisions.access({ ...caller, groups: [] }, record).decision.allowed).toBe(false)
  })
})
