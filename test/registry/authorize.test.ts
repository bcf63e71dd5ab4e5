import { AuthorizeAnswer, AuthorizeAnswers, digestOf } from '@gatehouse/contracts'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Device } from '../support/device.ts'
import { verifies } from '../requirements.ts'
import { type DecidedWorld, type Person, startDecidedWorld } from './decided-world.ts'
import { askServer } from './server-answer.ts'
import { RULED_OFFERS, ruledRecord } from './ruled-servers.ts'
import { codeOf } from './stack.ts'

const NOT_AVAILABLE = { allowed: false, reason: 'not available', rule: 'not-available' }
const ada: Person = { groups: ['ads'], client: 'editor' }
const finn: Person = { user: 'finn', groups: ['finance'], client: 'editor' }
const editor: Person = { ...ada, roles: ['editor'] }
const shell: Person = { ...finn, client: 'shell' }
const carl: Person = { user: 'carl', groups: [], client: 'editor' }
const room: Person = { ...ada, client: 'chat', channel: '#room' }

let world: DecidedWorld
/** MCP endpoints. */
const urls: Record<string, string> = {}
beforeAll(async () => {
  world = await startDecidedWorld()
  urls['ruled'] = await world.serve('ruled')
  urls['hidden'] = await world.serve('hidden', { discoverable: false })
}, 120_000)
afterAll(() => world.stop())

const one = async (person: Person, question: unknown) =>
  AuthorizeAnswer.parse(await (await world.authorize(person, question)).json())
const many = async (person: Person, questions: unknown) =>
  AuthorizeAnswers.parse(await (await world.authorize(person, { questions })).json()).answers

interface Question {
  readonly server: string
  readonly tool?: string
  readonly prompt?: string
  readonly resource?:
    | string
    | { readonly kind: string; readonly name: string; readonly attributes?: Record<string, string> }
  readonly arguments?: Record<string, unknown>
}

/** The registry says what the server itself says when it is really called. */
async function agree(person: Person, question: Question): Promise<AuthorizeAnswer> {
  const [said, real] = await Promise.all([
    one(person, question),
    askServer(world, urls[question.server] ?? '', person, question),
  ])
  expect({ question, allowed: said.allowed, reason: said.allowed ? '' : said.reason }).toEqual({ question, ...real })
  return said
}

const CASES: readonly [who: string, Person, Question, boolean][] = [
  ['ads', ada, { server: 'ruled', tool: 'open' }, true],
  ['ads', ada, { server: 'ruled', tool: 'ads' }, true],
  ['finance', finn, { server: 'ruled', tool: 'ads' }, false],
  ['an editor', editor, { server: 'ruled', tool: 'editors' }, true],
  ['no editor', ada, { server: 'ruled', tool: 'editors' }, false],
  ['a narrow token', ada, { server: 'ruled', tool: 'scoped' }, false],
  ['a wide token', { ...ada, scopes: ['tables:read'] }, { server: 'ruled', tool: 'scoped' }, true],
  ['the editor', ada, { server: 'ruled', tool: 'ide_only' }, true],
  ['a command line', shell, { server: 'ruled', tool: 'ide_only' }, false],
  ['the team chat', room, { server: 'ruled', tool: 'ide_only' }, false],
  ['the room', room, { server: 'ruled', tool: 'in_room' }, true],
  ['the hall', { ...room, channel: '#hall' }, { server: 'ruled', tool: 'in_room' }, false],
  ['the hall', { ...room, channel: '#hall' }, { server: 'ruled', tool: 'open' }, true],
  ['another channel', { ...room, channel: '#random' }, { server: 'ruled', tool: 'open' }, false],
  ['a chat that does not say where', { ...room, channel: undefined }, { server: 'ruled', tool: 'open' }, false],
  ['an editor that says where', { ...ada, channel: '#random' }, { server: 'ruled', tool: 'open' }, true],
  ['finance', finn, { server: 'ruled', tool: 'argued', arguments: { table: 'tpch.orders' } }, true],
  ['finance', finn, { server: 'ruled', tool: 'argued', arguments: { table: 'ads.revenue' } }, false],
  ['finance', finn, { server: 'ruled', tool: 'argued', arguments: { table: ['tpch.orders'] } }, false],
  ['ads', ada, { server: 'ruled', tool: 'argued', arguments: { table: 'ads.revenue' } }, true],
  ['ads', ada, { server: 'ruled', tool: 'argued', arguments: { limit: 2 } }, false],
  ['ads', ada, { server: 'ruled', tool: 'argued', arguments: { limit: 1 } }, true],
  ['ads', ada, { server: 'ruled', tool: 'argued', arguments: { limit: true } }, true],
  ['finance', finn, { server: 'ruled', tool: 'argued' }, true],
  ['finance', finn, { server: 'ruled', tool: 'no_table', arguments: { table: '' } }, false],
  ['finance', finn, { server: 'ruled', tool: 'no_table', arguments: {} }, true],
  ['finance', finn, { server: 'ruled', tool: 'nobody' }, false],
  ['the editor', finn, { server: 'ruled', tool: 'by_hand' }, true],
  ['a command line', shell, { server: 'ruled', tool: 'by_hand' }, false],
  ['anybody', finn, { server: 'ruled', tool: 'open', arguments: { note: 'secret thing' } }, false],
  ['anybody', finn, { server: 'ruled', tool: 'open', arguments: { note: 'a thing' } }, true],
  ['finance', finn, { server: 'ruled', tool: 'change' }, true],
  ['ads', ada, { server: 'ruled', tool: 'change' }, false],
  ['ads', ada, { server: 'ruled', tool: 'never_was' }, false],
  ['ads', ada, { server: 'ruled', tool: 'OPEN' }, false],
  ['finance', finn, { server: 'ruled', prompt: 'review' }, true],
  ['ads', ada, { server: 'ruled', prompt: 'review' }, false],
  ['an editor', editor, { server: 'ruled', resource: 'glossary' }, true],
  ['no editor', ada, { server: 'ruled', resource: 'glossary' }, false],
  ['ads', ada, { server: 'ruled', resource: { kind: 'doc', name: 'prices' } }, true],
  ['ads', ada, { server: 'ruled', resource: { kind: 'doc', name: 'legal/x' } }, false],
  ['finance', finn, { server: 'ruled', resource: { kind: 'doc', name: 'legal/x' } }, true],
  ['ads', ada, { server: 'ruled', resource: { kind: 'table', name: 'prices' } }, false],
  ['ads', ada, { server: 'ruled', resource: { kind: 'Draft', name: 'x', attributes: { author: 'everyone' } } }, true],
  ['ads', ada, { server: 'ruled', resource: { kind: 'Draft', name: 'x', attributes: { author: 'ada' } } }, false],
  ['a contractor', carl, { server: 'ruled', tool: 'open' }, false],
  ['a contractor', carl, { server: 'ruled', tool: 'never_was' }, false],
  ['ads', ada, { server: 'hidden', tool: 'open' }, true],
  ['finance', finn, { server: 'hidden', tool: 'ads' }, false],
  ['finance', finn, { server: 'hidden', tool: 'argued', arguments: { table: 'ads.revenue' } }, false],
  ['a narrow token', ada, { server: 'hidden', tool: 'scoped' }, false],
  ['a contractor', carl, { server: 'hidden', tool: 'open' }, false],
  ['another channel', { ...room, channel: '#random' }, { server: 'hidden', tool: 'open' }, false],
]

describe('what the registry answers', () => {
  test.each(CASES)('%s: is what the server does, case %#', async (_, person, question, allowed) => {
    verifies('AUTH-8.5')
    expect((await agree(person, question)).allowed).toBe(allowed)
  })

  test('is what the server does, whoever asks for whatever', async () => {
    verifies('AUTH-8.5')
    const tools = RULED_OFFERS.filter(({ kind, options }) => kind === 'tool' && options.name !== 'ask')
    const person = fc.record({
      user: fc.uuid(),
      groups: fc.subarray(['ads', 'finance', 'infra', 'Ads']),
      roles: fc.subarray(['editor', 'owner', 'Editor']),
      scopes: fc.subarray(['tables:read', 'tables']),
      client: fc.constantFrom('editor', 'shell', 'chat' as const),
      channel: fc.constantFrom('#room', '#hall', '#random', undefined),
    })
    const table = fc.constantFrom('tpch.orders', 'tpch.', 'tpch', 'sandbox', 'sandbox.x', 'ads.x', '', '*', 'x\ntpch.y')
    const question = fc.record(
      {
        server: fc.constantFrom('ruled', 'hidden'),
        tool: fc.constantFrom(...tools.map(({ options }) => options.name), 'never_was', 'Open'),
        arguments: fc.record(
          {
            table: fc.oneof(table, fc.array(table, { maxLength: 2 })),
            limit: fc.constantFrom(1, 2, true, false, 1.5),
            note: fc.constantFrom('secret', 'secret thing', 'a secret', ''),
          },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: ['server', 'tool'] },
    )
    await fc.assert(
      fc.asyncProperty(person, question, async (who, asked) => {
        await agree(who, asked)
      }),
      { numRuns: 150 },
    )
  }, 120_000)

  test('names the rule, and whom to ask about a no', async () => {
    verifies('AUTH-8.3', 'AUTH-8.5')
    expect(await one(ada, { server: 'ruled', tool: 'ads' })).toEqual({
      allowed: true,
      reason: 'allowed',
      rule: 'user-tool',
    })
    expect(await one(finn, { server: 'ruled', tool: 'ads' })).toEqual({
      allowed: false,
      reason: 'needs the group ads; ask #ruled-help',
      rule: 'tool-groups',
      support: { channel: '#ruled-help' },
    })
    expect(await one(carl, { server: 'ruled' })).toEqual({
      allowed: false,
      reason: 'needs one of the groups ads, finance; ask #ruled-help',
      rule: 'server-groups',
      support: { channel: '#ruled-help' },
    })
  })

  test('is about listing where that is asked, which no scope and no argument keeps from anyone', async () => {
    const listed = { server: 'ruled', tool: 'scoped', action: 'list' }
    expect(await one(ada, listed)).toMatchObject({ allowed: true })
    expect(await one(finn, { ...listed, tool: 'ads' })).toMatchObject({ allowed: false, rule: 'tool-groups' })
  })

  test('is for the client that asks: one that the server does not serve is refused there too', async () => {
    const kiosk: Person = { ...ada, client: 'kiosk' }
    expect(await one(kiosk, { server: 'ruled', tool: 'open' })).toMatchObject({
      allowed: false,
      rule: 'client-unknown',
      reason: 'does not serve this client; ask #ruled-help',
    })
    expect(await one(kiosk, { server: 'hidden', tool: 'open' })).toEqual(NOT_AVAILABLE)
  })

  test('takes no channel that was signed in another way than the server demands', async () => {
    verifies('AUTH-11.2')
    const clients = [{ clientId: 'chat', surface: 'team-chat' as const, bearer: false, channel: 'token' as const }]
    await world.put(ruledRecord('elsewhere', 'https://elsewhere.example/mcp', { clients }))
    expect(await one(room, { server: 'elsewhere', tool: 'open' })).toMatchObject({ rule: 'server-channel' })
  })
})

describe('a batch', () => {
  test('is answered in the order of the questions, each as it would be alone', async () => {
    verifies('AUTH-8.5')
    const questions = CASES.slice(0, 40).map(([, , question]) => question)
    const answers = await many(ada, [...questions].reverse())
    const alone = []
    for (const question of questions) alone.unshift(await one(ada, question))
    expect(answers).toEqual(alone)
  })

  test('holds 200 questions, and not one more', async () => {
    const questions = Array.from({ length: 201 }, (_, index) => ({ server: 'ruled', tool: `t${index}` }))
    expect(await many(ada, questions.slice(1))).toEqual(Array.from({ length: 200 }, () => NOT_AVAILABLE))
    const refused = await world.authorize(ada, { questions })
    expect([refused.status, await codeOf(refused)]).toEqual([400, 'question_invalid'])
  })
})

describe('what the caller may not know', () => {
  test('is the same answer, byte for byte, as for what is not there', async () => {
    verifies('AUTH-8.3', 'AUTH-8.5')
    await world.put(ruledRecord('retired', 'https://retired.example/mcp', { status: 'retired' }))
    const bytes = async (person: Person, question: unknown) => (await world.authorize(person, question)).text()
    const nothing = await bytes(carl, { server: 'never-was', tool: 'open' })
    expect(JSON.parse(nothing)).toEqual(NOT_AVAILABLE)
    for (const [person, question] of [
      [carl, { server: 'hidden' }],
      [carl, { server: 'hidden', tool: 'open' }],
      [carl, { server: 'hidden', tool: 'never_was' }],
      [carl, { server: 'hidden', resource: { kind: 'doc', name: 'x' } }],
      [carl, { server: 'retired' }],
      [carl, { server: 'Not An Id', tool: 'open' }],
      [ada, { server: 'retired', tool: 'open' }],
      [ada, { server: 'ruled', tool: 'never_was' }],
      [ada, { server: 'ruled', tool: 'constructor' }],
      [ada, { server: 'ruled', prompt: 'never_was' }],
      [ada, { server: 'hidden', tool: 'never_was' }],
      [finn, { server: 'hidden', tool: 'ads' }],
      [finn, { server: 'hidden', resource: 'glossary' }],
    ] as const)
      expect([question, await bytes(person, question)]).toEqual([question, nothing])
  })

  test('is not said of a suspended server either; others hear why', async () => {
    verifies('REG-3.1', 'AUTH-8.5')
    for (const [id, discoverable] of [
      ['paused', true],
      ['paused-hidden', false],
    ] as const)
      await world.put(ruledRecord(id, `https://${id}.example/mcp`, { status: 'suspended', discoverable }))
    const paused = {
      allowed: false,
      reason: 'suspended by the registry: listed as suspended; ask #paused-help',
      rule: 'server-listed',
      support: { channel: '#paused-help' },
    }
    expect(await one(ada, { server: 'paused', tool: 'open' })).toEqual(paused)
    expect(await one(carl, { server: 'paused', tool: 'never_was' })).toEqual(paused)
    expect(await one(ada, { server: 'paused-hidden', tool: 'open' })).toMatchObject({ rule: 'server-listed' })
    expect(await one(carl, { server: 'paused-hidden', tool: 'open' })).toEqual(NOT_AVAILABLE)
  })
})

describe('a question', () => {
  test('and its answer are recorded as one event, its arguments by their digest alone', async () => {
    verifies('OBS-2.1', 'OBS-2.2')
    const user = 'olga'
    const questions = [
      { server: 'ruled', tool: 'argued', arguments: { table: 'tpch.personal-matter' } },
      { server: 'ruled', tool: 'ads' },
      { server: 'hidden', tool: 'open' },
    ]
    await many({ ...finn, user }, questions)
    const rows = await world.database
      .selectFrom('audit_events')
      .select('event')
      .where('subject', '=', user)
      .where('server', '=', 'registry')
      .execute()
    expect(rows.map(({ event }) => JSON.parse(event) as unknown)).toEqual([
      expect.objectContaining({
        action: 'read',
        tool: 'authorize',
        arguments: { questions: 3, allowed: 2, servers: ['ruled', 'hidden'] },
        argumentsDigest: digestOf(questions),
        outcome: 'ok',
        caller: expect.objectContaining({ subject: user, client: 'editor' }) as unknown,
      }),
    ])
    expect(JSON.stringify(rows)).not.toContain('personal-matter')
    expect(world.logged.join('\n')).not.toContain('personal-matter')
  })

  test('is answered to nobody but who asks, and kept by no cache', async () => {
    const response = await world.authorize(ada, { server: 'ruled' })
    expect(response.headers.get('Cache-Control')).toBe('no-store')
    const url = `${world.url}/gatehouse/v1/authorize`
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"server":"ruled"}' }
    expect((await fetch(url, init)).status).toBe(401)
    const stranger = await Device.create()
    const token = await world.issuer.token(world.url, { client_id: 'editor', cnf: { jkt: stranger.thumbprint } })
    const bearer = await fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } })
    expect([bearer.status, await codeOf(bearer)]).toEqual([401, 'bearer_not_allowed'])
  })

  test.each([
    ['no object', '[]', 'question_invalid'],
    ['no server', '{}', 'question_invalid'],
    ['an unknown key', '{"server":"ruled","user":"ada"}', 'question_invalid'],
    ['a caller of one’s own choice', '{"server":"ruled","groups":["ads"],"tool":"ads"}', 'question_invalid'],
    ['two things', '{"server":"ruled","tool":"a","prompt":"b"}', 'question_invalid'],
    ['a kind of the kit as its own', '{"server":"ruled","resource":{"kind":"tool","name":"ads"}}', 'question_invalid'],
    ['an action that there is not', '{"server":"ruled","action":"delete"}', 'question_invalid'],
    ['no question', '{"questions":[]}', 'question_invalid'],
    ['a question in a batch that is none', '{"questions":[{"server":"ruled"},{}]}', 'question_invalid'],
    ['a batch and a question', '{"questions":[{"server":"ruled"}],"server":"ruled"}', 'question_invalid'],
    ['a key twice', '{"server":"ruled","server":"hidden"}', 'json_duplicate_key'],
    ['no JSON', '{', 'json_syntax'],
  ])('with %s is refused', async (_, body, code) => {
    const response = await world.authorize(ada, body)
    expect([response.status, await codeOf(response)]).toEqual([400, code])
  })

  test('of more than a megabyte is refused', async () => {
    const response = await world.authorize(ada, {
      server: 'ruled',
      tool: 'open',
      arguments: { note: 'x'.repeat(1_048_576) },
    })
    expect([response.status, await codeOf(response)]).toEqual([413, 'body_too_large'])
  })

  test('too many in a minute is told to wait, and holds up nobody else', async () => {
    verifies('SRV-KIT.10')
    const busy: Person = { ...shell, user: 'busy' }
    let last = await world.authorize(busy, '{}')
    for (let sent = 1; last.status === 400 && sent < 300; sent += 1) last = await world.authorize(busy, '{}')
    expect([last.status, await codeOf(last)]).toEqual([429, 'too_many_requests'])
    expect(Number(last.headers.get('Retry-After'))).toBeGreaterThan(0)
    expect((await world.authorize({ ...busy, user: 'calm' }, { server: 'ruled' })).status).toBe(200)
    expect((await world.authorize({ ...busy, client: 'editor' }, { server: 'ruled' })).status).toBe(200)
  })
})
