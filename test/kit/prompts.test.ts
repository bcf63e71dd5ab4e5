import { authorizePrompt, definePrompt, describeServer, prompt, type ServerDefinition } from '@gatehouse/kit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { verifies } from '../requirements.ts'
import { offersServer } from '../support/fixture-offers.ts'
import { startWorld, until, type World } from '../support/fixture-world.ts'
import { legacyClient } from '../support/legacy-client.ts'
import { modernRpc, type RpcAnswer } from '../support/modern-rpc.ts'

let world: World
let ada: string
let finn: string
beforeAll(async () => {
  world = await startWorld({}, {}, offersServer())
  ada = await world.issuer.token(world.url)
  finn = await world.issuer.token(world.url, { sub: 'finn', groups: ['finance'] })
})
afterAll(() => world.stop())

const ask = (method: string, params: Record<string, unknown> = {}, token = ada): Promise<RpcAnswer> =>
  modernRpc({ url: world.url, token, method, params })
const get = (name: string, args: Record<string, unknown> = {}, token = ada) =>
  ask('prompts/get', { name, arguments: args }, token)
const names = ({ result }: RpcAnswer) => (result?.['prompts'] as { name: string }[]).map(({ name }) => name)

describe('a list of prompts', () => {
  it('has what the caller may read, with arguments, privately and for a time', async () => {
    verifies('SRV-KIT.13', 'AUTH-8.1')
    const answer = await ask('prompts/list')
    expect(names(answer)).toEqual(['review', 'ads_review', 'fail', 'personal'])
    expect(answer.result).toMatchObject({ cacheScope: 'private', ttlMs: expect.any(Number) as number })
    expect((answer.result?.['prompts'] as object[])[0]).toEqual({
      name: 'review',
      title: 'Review a table',
      description: 'Asks for a review',
      arguments: [
        { name: 'table', description: 'Which table', required: true },
        { name: 'depth', required: false },
        { name: 'secret', required: false },
      ],
    })
    expect(names(await ask('prompts/list', {}, finn))).not.toContain('ads_review')
  })

  it('refuses a cursor that it never gave out', async () => {
    expect((await ask('prompts/list', { cursor: 'MQ' })).error).toMatchObject({
      code: -32602,
      data: { code: 'cursor_invalid' },
    })
  })
})

describe('a prompt', () => {
  it('is got with its arguments, defaults filled in, in both eras', async () => {
    verifies('SRV-KIT.13', 'SRV-KIT.2')
    const text = 'Give a short review of tpch.orders.'
    const modern = await get('review', { table: 'tpch.orders' })
    expect(modern.result).toMatchObject({ messages: [{ role: 'user', content: { type: 'text', text } }] })
    const client = await legacyClient(world.url, ada)
    const legacy = await client.getPrompt({ name: 'review', arguments: { table: 'tpch.orders' } })
    expect(legacy.messages).toEqual([{ role: 'user', content: { type: 'text', text } }])
    expect((await client.listPrompts()).prompts.map(({ name }) => name)).toContain('ads_review')
    await client.close()
  })

  it('with arguments that do not fit is refused with where', async () => {
    verifies('SRV-KIT.7')
    for (const [args, path] of [
      [{}, 'table'],
      [{ table: 'x', depth: 'deep' }, 'depth'],
      [{ table: 'x', other: 'y' }, ''],
    ] as const) {
      expect((await get('review', args)).error).toMatchObject({
        code: -32602,
        data: { code: 'invalid_arguments', issues: [{ path }] },
      })
    }
  })

  it('that may not be read says what is needed and whom to ask', async () => {
    verifies('AUTH-8.2', 'AUTH-8.3')
    expect((await get('ads_review', {}, finn)).error).toMatchObject({
      message: 'needs the group ads; ask #fixture-help',
      data: { code: 'denied' },
    })
  })

  it('that may not be read looks like one that is not there, where the server may not be known', async () => {
    verifies('AUTH-8.2')
    const hidden = await startWorld({}, { record: { discoverable: false } }, offersServer())
    try {
      const token = await hidden.issuer.token(hidden.url, { groups: ['finance'] })
      const asked = async (name: string) => {
        const { status, error } = await modernRpc({ url: hidden.url, token, method: 'prompts/get', params: { name } })
        return { status, error }
      }
      expect(await asked('ads_review')).toEqual(await asked('no_such_prompt'))
      expect((await asked('ads_review')).error?.data).toEqual({ code: 'unknown_prompt' })
    } finally {
      await hidden.stop()
    }
  })

  it('that fails says its code, or nothing of the inside', async () => {
    verifies('SRV-KIT.7')
    const failed = async (how: string) => (await get('fail', { how })).error
    expect(await failed('tool_error')).toMatchObject({ data: { code: 'engine_busy', next: 'Try again in a minute.' } })
    expect(await failed('error')).toMatchObject({ code: -32603, data: { code: 'internal_error' } })
    expect(JSON.stringify(await failed('error'))).not.toContain('db.internal')
    expect(await failed('bad')).toMatchObject({ data: { code: 'internal_error' } })
    expect(await failed('large')).toMatchObject({ data: { code: 'result_too_large' } })
  })

  it('and every refusal is in the audit before the answer, redacted', async () => {
    verifies('OBS-2.1', 'OBS-2.2', 'SRV-KIT.13')
    await get('review', { table: 'tpch.nation', secret: 'hush hush' })
    await get('ads_review', {}, finn)
    await get('no_such_prompt')
    const seen = (prompt: string, outcome: string) =>
      world.registry.audit.find((event) => event.prompt === prompt && event.outcome === outcome)
    await until(() => seen('no_such_prompt', 'unknown_prompt') !== undefined)
    expect(seen('review', 'ok')).toMatchObject({
      action: 'read',
      decision: { allowed: true },
      caller: { subject: 'ada' },
    })
    expect(seen('ads_review', 'denied')).toMatchObject({ action: 'refuse', caller: { subject: 'finn' } })
    expect(JSON.stringify(world.registry.audit)).not.toContain('hush hush')
    expect(JSON.stringify(world.registry.audit)).not.toContain('Give a short review')
  })
})

describe('a completion', () => {
  const complete = async (name: string, argument: object, token = ada) => {
    const params = { ref: { type: 'ref/prompt', name }, argument }
    return ask('completion/complete', params, token)
  }

  it('suggests what the author and the policy allow this caller', async () => {
    verifies('SRV-KIT.13')
    const of = async (token: string) =>
      (await complete('review', { name: 'table', value: '' }, token)).result?.['completion']
    expect(await of(ada)).toMatchObject({ values: ['ads.revenue', 'tpch.nation', 'tpch.orders'], total: 3 })
    expect(await of(finn)).toMatchObject({ values: ['tpch.nation', 'tpch.orders'] })
  })

  it('of what has none is empty, and of what may not be read is refused', async () => {
    expect((await complete('review', { name: 'depth', value: '' })).result).toMatchObject({
      completion: { values: [] },
    })
    expect((await complete('ads_review', { name: 'x', value: '' }, finn)).error).toMatchObject({
      data: { code: 'denied' },
    })
    expect((await complete('nothing', { name: 'x', value: '' })).error).toMatchObject({
      data: { code: 'unknown_prompt' },
    })
  })
})

describe('a server that is written wrongly does not start', () => {
  const common = { title: 'T', description: 'D', input: z.strictObject({}), run: async () => ({ messages: [] }) }
  const code = (toolsClass: ServerDefinition['toolsClass']) => {
    try {
      describeServer({ ...offersServer(), toolsClass })
    } catch (error) {
      return (error as { code: string }).code
    }
    return 'none'
  }

  it('without a policy, with a name twice, with a name or a completion that cannot be', () => {
    verifies('SRV-KIT.13', 'AUTH-8.2')
    class NoPolicy {
      @prompt({ name: 'x', title: 'X', description: 'D', input: z.strictObject({}) })
      async x() {
        return { messages: [] }
      }
    }
    expect(code(NoPolicy)).toBe('prompt_without_policy')
    const one = definePrompt({ ...common, name: 'x', policy: {} })
    expect(code([one, one])).toBe('prompt_duplicate')
    expect(code([definePrompt({ ...common, name: 'a b', policy: {} })])).toBe('prompt_invalid')
    expect(code([definePrompt({ ...common, name: 'x', policy: {}, complete: { y: async () => [] } })])).toBe(
      'prompt_invalid',
    )
  })

  it('a method is one thing only', () => {
    expect(() => {
      class Twice {
        @prompt({ name: 'a', title: 'A', description: 'D', input: z.strictObject({}) })
        @prompt({ name: 'b', title: 'B', description: 'D', input: z.strictObject({}) })
        @authorizePrompt({})
        async x() {
          return { messages: [] }
        }
      }
      return Twice
    }).toThrow(TypeError)
  })
})
