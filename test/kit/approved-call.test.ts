import { randomUUID } from 'node:crypto'
import { digestOf } from '@gatehouse/contracts'
import { describeServer } from '@gatehouse/kit'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { verifies } from '../requirements.ts'
import { Device } from '../support/device.ts'
import { fixtureServer } from '../support/fixture-tools.ts'
import { startWorld, until, type World } from '../support/fixture-world.ts'
import { rawCall } from '../support/mcp-request.ts'

let world: World
let token: string
beforeAll(async () => {
  world = await startWorld()
  token = await world.boundToken()
})
afterAll(() => world.stop())
beforeEach(() => {
  world.tools.stored.length = 0
})

const digestOfTool = (name: string) => describeServer(fixtureServer()).tools.find((tool) => tool.name === name)?.digest
function receipt(
  args: object,
  claims: Record<string, unknown> = {},
  device = world.device,
  tool = 'store',
): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  return device.receipt({
    sub: 'ada',
    aud: world.url,
    iat: now,
    exp: now + 300,
    jti: randomUUID(),
    tool,
    args: digestOf(args),
    tool_digest: digestOfTool(tool),
    step: randomUUID(),
    plan: digestOf('plan'),
    ...claims,
  })
}
const call = (
  args: Record<string, unknown>,
  approval?: string,
  tool = 'store',
  as: Partial<Parameters<typeof rawCall>[0]> = {},
) =>
  rawCall({
    url: world.url,
    token,
    device: world.device,
    tool,
    arguments: args,
    ...(approval && { meta: { 'dev.gatehouse/approval': approval } }),
    ...as,
  })

describe('a write', () => {
  it('without a receipt is refused with what a person would approve', async () => {
    verifies('SRV-KIT.4')
    const { isError, structured } = await call({ line: 'a', copies: 2 })
    expect(isError).toBe(true)
    expect(structured).toMatchObject({
      code: 'approval_required',
      proposal: {
        server: 'fixture',
        tool: 'store',
        effect: 'write',
        arguments: { line: 'a', copies: 2 },
        argumentsDigest: digestOf({ line: 'a', copies: 2 }),
        toolDigest: digestOfTool('store'),
        summary: 'Store a',
        touches: ['2 lines'],
      },
    })
    expect(world.tools.stored).toEqual([])
  })

  it('with its receipt runs once, on the arguments as they were sent', async () => {
    verifies('SRV-KIT.4')
    // `copies` is left to its default: what was approved is what was sent.
    const args = { line: 'b' }
    const approval = await receipt(args)
    expect(await call(args, approval)).toMatchObject({ isError: false, structured: { count: 1 } })
    const again = await call(args, approval)
    expect(again.structured).toMatchObject({
      code: 'approval_replayed',
      outcome: { isError: false, structured: { count: 1 } },
    })
    expect(world.tools.stored).toEqual(['b'])
    await until(
      () =>
        world.registry.audit.filter(
          (event) => event.tool === 'store' && event.receipt && event.outcome !== 'approval_replayed',
        ).length >= 2,
    )
    const outcomes = world.registry.audit
      .filter((event) => event.tool === 'store' && event.receipt)
      .map((event) => event.outcome)
    expect(outcomes).toEqual(expect.arrayContaining(['started', 'ok']))
  })

  it('does not tell another caller what a used receipt did', async () => {
    const args = { line: 'c' }
    const approval = await receipt(args)
    await call(args, approval)
    const finn = await world.boundToken({ sub: 'finn' })
    expect((await call(args, approval, 'store', { token: finn })).structured).toMatchObject({
      code: 'approval_mismatch',
    })
    expect(world.tools.stored).toEqual(['c'])
  })

  it('is refused with a receipt that is not for it', async () => {
    verifies('SRV-KIT.4')
    const args = { line: 'd' }
    const now = Math.floor(Date.now() / 1000)
    const stranger = await Device.create()
    const wrong: [Promise<string>, string][] = [
      [receipt({ line: 'other' }), 'approval_mismatch'],
      [receipt(args, { aud: 'http://127.0.0.1:1/mcp' }), 'approval_mismatch'],
      [receipt(args, { tool: 'query' }), 'approval_mismatch'],
      [receipt(args, { tool_digest: digestOf('x') }), 'approval_mismatch'],
      [receipt(args, { iat: now - 900, exp: now - 600 }), 'approval_expired'],
      [receipt(args, {}, stranger), 'approval_invalid'],
      [Promise.resolve('not a receipt'), 'approval_invalid'],
    ]
    for (const [approval, code] of wrong) expect((await call(args, await approval)).structured).toMatchObject({ code })
    expect(world.tools.stored).toEqual([])
  })

  it('needs more than a receipt: those outside its groups are denied all the same', async () => {
    const args = { line: 'e' }
    const finance = await world.boundToken({ groups: ['finance'] })
    expect((await call(args, await receipt(args), 'store', { token: finance })).structured).toMatchObject({
      code: 'denied',
    })
    expect(world.tools.stored).toEqual([])
  })

  it('of a client without a device key cannot be approved by a receipt', async () => {
    const args = { line: 'f' }
    const plain = await world.issuer.token(world.url)
    const answer = await rawCall({
      url: world.url,
      token: plain,
      tool: 'store',
      arguments: args,
      meta: { 'dev.gatehouse/approval': await receipt(args) },
    })
    expect(answer.structured).toMatchObject({ code: 'approval_required' })
  })

  it('runs once when twenty calls race on one receipt', async () => {
    verifies('SRV-KIT.5')
    const args = { line: 'g' }
    const approval = await receipt(args)
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(args, approval)))
    expect(answers.filter((answer) => !answer.isError)).toHaveLength(1)
    expect(world.tools.stored).toEqual(['g'])
  })
})

describe('a call whose effect depends on its arguments', () => {
  it('runs at once when it only reads, and needs an approval when it is expensive', async () => {
    expect((await call({ cost: 3 }, undefined, 'query')).structured).toEqual({ value: 'cost 3' })
    expect((await call({ cost: 30 }, undefined, 'query')).structured).toMatchObject({
      code: 'approval_required',
      proposal: { effect: 'expensive', summary: 'Query' },
    })
    const approval = await receipt({ cost: 30 }, {}, world.device, 'query')
    expect((await call({ cost: 30 }, approval, 'query')).structured).toEqual({ value: 'cost 30' })
  })

  it('is refused when its effect cannot be told', async () => {
    verifies('AUTH-8.2')
    expect((await call({ cost: -1 }, undefined, 'query')).structured).toMatchObject({ code: 'cost_unknown' })
  })
})
