import { randomUUID } from 'node:crypto'
import { digestOf, APPROVAL_META } from '@gatehouse/contracts'
import { configFromEnvironment, describeServer, FAILURE_META } from '@gatehouse/kit'
import { ElicitRequestSchema, LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStateSeal } from '../../companion/packages/kit/src/serve/request-state.ts'
import { verifies } from '../requirements.ts'
import { FixtureOffers, offersServer, PIXEL } from '../support/fixture-offers.ts'
import { startWorld, until, type World } from '../support/fixture-world.ts'
import { legacyClient } from '../support/legacy-client.ts'
import { modernRpc, type RpcAnswer } from '../support/modern-rpc.ts'

const offers = new FixtureOffers()
const KEY = Buffer.alloc(32, 7)
let world: World
let ada: string
beforeAll(async () => {
  world = await startWorld({ stateKey: KEY }, {}, offersServer(offers))
  ada = await world.issuer.token(world.url)
})
afterAll(() => world.stop())

const FORMS = { elicitation: { form: {} } }
interface Said {
  readonly answers?: unknown
  readonly state?: unknown
}
const call = (
  name: string,
  args: Record<string, unknown> = {},
  { answers, state }: Said = {},
  change: Partial<Parameters<typeof modernRpc>[0]> = {},
): Promise<RpcAnswer> =>
  modernRpc({
    url: world.url,
    token: ada,
    method: 'tools/call',
    params: {
      name,
      arguments: args,
      ...(answers !== undefined && { inputResponses: answers }),
      ...(state !== undefined && { requestState: state }),
    },
    capabilities: FORMS,
    ...change,
  })
const accept = (content: object) => ({ action: 'accept', content })
const stateOf = ({ result }: RpcAnswer) => String(result?.['requestState'])
const valueOf = ({ result }: RpcAnswer) =>
  JSON.parse((result?.['structuredContent'] as { value: string }).value) as unknown

const failureOf = ({ result }: RpcAnswer) => (result?.['_meta'] as Record<string, unknown> | undefined)?.[FAILURE_META]

describe('a call that asks', () => {
  it('is answered with the question, and goes on when it comes again with the answer', async () => {
    verifies('SRV-KIT.14')
    const asked = await call('ask_name', { tag: 'x' })
    expect(asked.result).toMatchObject({
      resultType: 'input_required',
      inputRequests: {
        person: {
          method: 'elicitation/create',
          params: {
            mode: 'form',
            message: 'Who are you?',
            requestedSchema: {
              type: 'object',
              properties: { name: { type: 'string', maxLength: 20 }, age: { type: 'integer', minimum: 0 } },
              required: ['name'],
            },
          },
        },
      },
    })
    const done = await call(
      'ask_name',
      { tag: 'x' },
      { answers: { person: accept({ name: 'Ada' }) }, state: stateOf(asked) },
    )
    expect(valueOf(done)).toEqual(['x', accept({ name: 'Ada' })])
  })

  it('tells decline and cancel apart', async () => {
    verifies('SRV-KIT.14')
    const asked = await call('ask_name')
    for (const action of ['decline', 'cancel']) {
      const done = await call('ask_name', {}, { answers: { person: { action } }, state: stateOf(asked) })
      expect(valueOf(done)).toEqual(['', { action }])
    }
  })

  it('remembers the answers of earlier rounds in its state alone', async () => {
    verifies('SRV-KIT.14')
    const first = await call('ask_twice')
    const second = await call('ask_twice', {}, { answers: { first: accept({ one: '1' }) }, state: stateOf(first) })
    expect(Object.keys(second.result?.['inputRequests'] as object)).toEqual(['second'])
    const done = await call('ask_twice', {}, { answers: { second: accept({ two: '2' }) }, state: stateOf(second) })
    expect(valueOf(done)).toEqual([accept({ one: '1' }), accept({ two: '2' })])
    const old = await call('ask_twice', {}, { answers: { second: accept({ two: '2' }) }, state: stateOf(first) })
    expect(Object.keys(old.result?.['inputRequests'] as object)).toEqual(['first'])
  })

  it('shows in its state nothing of what was answered', async () => {
    const first = await call('ask_twice')
    const answers = { first: accept({ one: 'a secret of mine' }) }
    const state = stateOf(await call('ask_twice', {}, { answers, state: stateOf(first) }))
    expect(Buffer.from(state, 'base64url').toString('latin1')).not.toContain('secret of mine')
  })

  it('asks for opening a page only a client that can', async () => {
    verifies('SRV-KIT.14')
    const able = await call('open_page', {}, {}, { capabilities: { elicitation: { url: {} } } })
    expect(able.result).toMatchObject({
      inputRequests: { page: { params: { mode: 'url', url: 'https://example.com/sign-in' } } },
    })
    const unable = await call('open_page')
    expect([unable.status, unable.error]).toMatchObject([
      400,
      { code: -32021, data: { requiredCapabilities: { elicitation: { url: {} } } } },
    ])
  })

  it('goes nowhere when its code swallows that it has to wait', async () => {
    expect((await call('ask_anyway')).result).toMatchObject({ resultType: 'input_required' })
  })

  it('may be a prompt', async () => {
    verifies('SRV-KIT.14')
    const get = (said: Record<string, unknown>) =>
      call('', {}, {}, { method: 'prompts/get', params: { name: 'personal', ...said } })
    const asked = await get({})
    expect(asked.result).toMatchObject({ resultType: 'input_required' })
    const done = await get({ inputResponses: { name: accept({ name: 'Ada' }) }, requestState: stateOf(asked) })
    expect(JSON.stringify(done.result?.['messages'])).toContain('Ada')
    const elsewhere = await call('ask_name', {}, { answers: {}, state: stateOf(asked) })
    expect(elsewhere.error).toMatchObject({ data: { code: 'request_state_invalid' } })
  })
})

describe('answers', () => {
  it('that do not fit the form are refused with where, and nothing runs', async () => {
    verifies('SRV-KIT.14')
    const state = stateOf(await call('ask_name'))
    for (const [answer, path] of [
      [accept({ name: 7 }), 'person.content.name'],
      [accept({ name: 'x'.repeat(21) }), 'person.content.name'],
      [accept({ name: 'Ada', admin: true }), 'person.content'],
      [accept({}), 'person.content.name'],
      [{ action: 'accept' }, 'person.content'],
      [{ action: 'approve' }, 'person.action'],
    ] as const) {
      const refused = await call('ask_name', {}, { answers: { person: answer }, state })
      expect(refused.result).toMatchObject({ isError: true })
      expect(failureOf(refused)).toMatchObject({ code: 'input_invalid', issues: [{ path }] })
    }
  })

  it('that are none are asked for again; answers to what was not asked are ignored', async () => {
    const state = stateOf(await call('ask_name'))
    for (const answers of [{}, { other: accept({ name: 'Ada' }) }, { person: 12345 }, { person: null }]) {
      expect((await call('ask_name', {}, { answers, state })).result).toMatchObject({ resultType: 'input_required' })
    }
    const more = { person: accept({ name: 'Ada' }), more: accept({}) }
    expect(valueOf(await call('ask_name', {}, { answers: more, state }))).toEqual(['', accept({ name: 'Ada' })])
  })
})

describe('a state', () => {
  const refused = async (state: unknown, change: Partial<Parameters<typeof modernRpc>[0]> = {}, args = {}) => {
    const runs = offers.runs.length
    const { error } = await call('ask_name', args, { answers: { person: accept({ name: 'Ada' }) }, state }, change)
    expect(error).toMatchObject({ code: -32602, data: { code: 'request_state_invalid' } })
    expect(offers.runs).toHaveLength(runs)
  }

  it('that is forged or changed in any place is refused, and nothing runs', async () => {
    verifies('SRV-KIT.14')
    const state = stateOf(await call('ask_name'))
    const other = (letter: string) => (letter === 'A' ? 'B' : 'A')
    for (const at of [0, 8, 20, 40, state.length - 1])
      await refused(state.slice(0, at) + other(state.charAt(at)) + state.slice(at + 1))
    for (const forged of [
      '',
      'x',
      '-TAMPERED',
      `${state}=`,
      `${state}A`,
      `${state}!`,
      state.slice(0, -4),
      `v1.${state}`,
    ])
      await refused(forged)
  })

  it('of another person, another client, another call or other arguments is refused', async () => {
    verifies('SRV-KIT.14')
    const state = stateOf(await call('ask_name'))
    await refused(state, { token: await world.issuer.token(world.url, { sub: 'finn' }) })
    await refused(state, { token: await world.boundToken(), device: world.device })
    await refused(state, {}, { tag: 'y' })
    await refused(stateOf(await call('ask_twice')))
  })

  it('is good on a replica with the same key, on none with another, and for a quarter of an hour', () => {
    verifies('SRV-KIT.14')
    let now = Date.now()
    const seal = createStateSeal(KEY, () => now)
    const binding = { subject: 'ada' }
    const state = seal.seal({ a: 1 }, binding)
    expect(createStateSeal(KEY).open(state, binding)).toEqual({ a: 1 })
    expect(createStateSeal(Buffer.alloc(32, 8)).open(state, binding)).toBeUndefined()
    expect(seal.open(state, { subject: 'finn' })).toBeUndefined()
    now += 15 * 60_000 - 1
    expect(seal.open(state, binding)).toEqual({ a: 1 })
    now += 1
    expect(seal.open(state, binding)).toBeUndefined()
    expect(() => createStateSeal(Buffer.alloc(16))).toThrow(RangeError)
  })

  it('that was refused is in the audit', async () => {
    verifies('OBS-2.1')
    await refused('made up')
    await until(() => world.registry.audit.some(({ outcome }) => outcome === 'request_state_invalid'))
    const event = world.registry.audit.find(({ outcome }) => outcome === 'request_state_invalid')
    expect(event).toMatchObject({ action: 'refuse', tool: 'ask_name', caller: { subject: 'ada' } })
    await until(() => world.registry.audit.some(({ outcome }) => outcome === 'input_required'))
  })
})

describe('a write', () => {
  it('is not approved by an answer: it needs its receipt, and with one it may not ask', async () => {
    verifies('SRV-KIT.14', 'SRV-KIT.4')
    const runs = () => offers.runs.filter((name) => name === 'write_and_ask').length
    const before = runs()
    const bound = { token: await world.boundToken(), device: world.device }
    const unapproved = await call('write_and_ask', {}, { answers: { sure: accept({ sure: true }) } }, bound)
    expect(failureOf(unapproved)).toMatchObject({ code: 'approval_required' })
    expect(runs()).toBe(before)
    const tool = describeServer(offersServer()).tools.find(({ name }) => name === 'write_and_ask')
    const now = Math.floor(Date.now() / 1000)
    const receipt = await world.device.receipt({
      sub: 'ada',
      aud: world.url,
      iat: now,
      exp: now + 60,
      jti: randomUUID(),
      tool: 'write_and_ask',
      args: digestOf({}),
      tool_digest: tool?.digest,
      step: randomUUID(),
      plan: digestOf('a plan'),
    })
    const approved = await call('write_and_ask', {}, {}, { ...bound, meta: { [APPROVAL_META]: receipt } })
    expect(failureOf(approved)).toMatchObject({ code: 'input_not_allowed' })
  })
})

describe('in the era of sessions', () => {
  it('the client is asked over the stream of its call', async () => {
    verifies('SRV-KIT.14', 'SRV-KIT.2')
    const messages: string[] = []
    const client = await legacyClient(world.url, ada, { elicitation: { form: {}, url: {} } }, (made) =>
      made.setRequestHandler(ElicitRequestSchema, ({ params }) => {
        messages.push(params.message)
        if (params.mode === 'url') return { action: 'accept' }
        return params.message === 'One?' ? accept({ one: '1' }) : accept({ two: '2' })
      }),
    )
    const twice = await client.callTool({ name: 'ask_twice', arguments: {} })
    expect(JSON.stringify(twice.structuredContent)).toContain('two')
    expect(messages).toEqual(['One?', 'Two?'])
    const page = await client.callTool({ name: 'open_page', arguments: {} })
    expect(page.structuredContent).toEqual({ value: '{"action":"accept"}' })
    await client.close()
  })

  it('a client that cannot be asked is told so', async () => {
    const client = await legacyClient(world.url, ada)
    const result = await client.callTool({ name: 'ask_name', arguments: {} })
    expect(result).toMatchObject({
      isError: true,
      _meta: { [FAILURE_META]: { code: 'client_capability_missing' } },
    })
    await client.close()
  })
})

describe('log lines', () => {
  it('come at the level that the client asked for, in both eras', async () => {
    verifies('SRV-KIT.15')
    const meta = { 'io.modelcontextprotocol/logLevel': 'warning' }
    const modern = await call('chatty', {}, {}, { meta })
    expect(modern.notifications).toMatchObject([
      { method: 'notifications/message', params: { level: 'warning', data: 'the cache is cold' } },
    ])
    expect((await call('chatty')).notifications).toEqual([])
    const lines: unknown[] = []
    const client = await legacyClient(world.url, ada, {}, (made) =>
      made.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void lines.push(params.data)),
    )
    await client.setLoggingLevel('warning')
    await client.callTool({ name: 'chatty', arguments: {} })
    await until(() => lines.length > 0)
    expect(lines).toEqual(['the cache is cold'])
    await client.close()
  })
})

describe('attached content', () => {
  it('comes after the text, in both eras, and counts in the size of the result', async () => {
    verifies('SRV-KIT.15', 'SRV-KIT.7')
    const content = [
      { type: 'text', text: 'a pixel' },
      { type: 'image', data: PIXEL, mimeType: 'image/png' },
    ]
    expect((await call('picture')).result).toMatchObject({ content, structuredContent: { value: 'png' } })
    const client = await legacyClient(world.url, ada)
    expect((await client.callTool({ name: 'picture', arguments: {} })).content).toEqual(content)
    await client.close()
    expect(failureOf(await call('picture', { bytes: 256 * 1024 }))).toMatchObject({ code: 'result_too_large' })
    expect(failureOf(await call('bad_picture'))).toMatchObject({ code: 'internal_error' })
    await until(() => world.registry.audit.some((event) => event.output?.excerpt.includes('attached: image')))
  })
})

describe('the key of the state', () => {
  const environment = {
    GATEHOUSE_DATA: '/nowhere',
    GATEHOUSE_ISSUER: 'http://127.0.0.1:1',
    GATEHOUSE_REGISTRY: 'http://127.0.0.1:1',
    GATEHOUSE_INTAKE_TOKEN: 'x',
  }
  it('comes from the environment, of 32 bytes and no other', () => {
    verifies('SRV-KIT.14')
    const keyOf = (text: string) => configFromEnvironment({ ...environment, GATEHOUSE_STATE_KEY: text }).stateKey
    expect(keyOf(KEY.toString('base64url'))).toEqual(KEY)
    expect(configFromEnvironment(environment).stateKey).toBeUndefined()
    for (const wrong of ['', 'short', Buffer.alloc(31).toString('base64url'), '!'.repeat(43)]) {
      expect(() => keyOf(wrong)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
    }
  })
})
