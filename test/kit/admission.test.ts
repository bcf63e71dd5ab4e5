import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  type CallLimits,
  createAdmission,
  DEFAULT_CALL_LIMITS,
} from '../../companion/packages/kit/src/serve/admission.ts'
import { createFailureLimit } from '../../companion/packages/kit/src/serve/failure-limit.ts'
import { createProofVerifier } from '../../companion/packages/kit/src/tokens/dpop.ts'
import { verifies } from '../requirements.ts'
import { Device } from '../support/device.ts'
import { startWorld, until, type World } from '../support/fixture-world.ts'
import { type RawAnswer, rawCall } from '../support/mcp-request.ts'

const admissionOf = (limits: Partial<CallLimits>) => createAdmission({ ...DEFAULT_CALL_LIMITS, ...limits })
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'in',
    (error: { code?: unknown; name: string }) => (typeof error.code === 'string' ? error.code : error.name),
  )

describe('places', () => {
  it('one that becomes free goes to the callers in turn, whoever came first', async () => {
    verifies('SRV-KIT.10')
    const admission = admissionOf({ calls: 1, callsPerCaller: 1 })
    const order: string[] = []
    const first = await admission.enter('ada')
    const call = async (caller: string) => {
      const leave = await admission.enter(caller)
      order.push(caller)
      await sleep(1)
      leave()
    }
    const all = ['ada', 'ada', 'ada', 'ada', 'finn', 'carl', 'finn'].map(call)
    expect([admission.running(), admission.waiting()]).toEqual([1, 7])
    first()
    await Promise.all(all)
    expect(order).toEqual(['ada', 'finn', 'carl', 'ada', 'finn', 'ada', 'ada'])
    expect([admission.running(), admission.waiting()]).toEqual([0, 0])
  })

  it('a caller has its share and no more, and the rest stays for others', async () => {
    const admission = admissionOf({ calls: 4, callsPerCaller: 2 })
    const held = [await admission.enter('ada'), await admission.enter('ada')]
    const third = admission.enter('ada')
    expect(await codeOf(Promise.race([third, sleep(20).then(() => Promise.reject(new Error('waits')))]))).toBe('Error')
    const finn = await admission.enter('finn')
    expect(admission.running()).toBe(3)
    held[0]?.()
    held[0]?.()
    await third
    expect(admission.running()).toBe(3)
    finn()
    expect(admission.running()).toBe(2)
  })

  it('the line of one caller is bounded, and when all lines are full the longest gives way', async () => {
    verifies('SRV-KIT.10')
    const admission = admissionOf({ calls: 1, callsPerCaller: 1, waiting: 4, waitingPerCaller: 3 })
    const leave = await admission.enter('ada')
    const ada = [1, 2, 3, 4].map(() => codeOf(admission.enter('ada').then((end) => end())))
    expect(await ada[3]).toBe('too_many_calls')
    const finn = [1, 2, 3].map(() => codeOf(admission.enter('finn').then((end) => end())))
    // The first of finn found room, the second took that of ada's latest, and a third would have made finn's line the longest.
    expect(await finn[2]).toBe('too_many_calls')
    expect(await ada[2]).toBe('too_many_calls')
    expect(admission.waiting()).toBe(4)
    leave()
    expect(await Promise.all([ada[0], ada[1], finn[0], finn[1]])).toEqual(['in', 'in', 'in', 'in'])
    expect(admission.waiting()).toBe(0)
  })

  it('nobody waits longer than the limit, for one who has gone away, or for a server that stops', async () => {
    const admission = admissionOf({ calls: 1, patience: 30 })
    await admission.enter('ada')
    expect(await codeOf(admission.enter('finn'))).toBe('too_many_calls')
    const gone = new AbortController()
    const waiting = codeOf(admission.enter('finn', gone.signal))
    gone.abort()
    expect(await waiting).toBe('AbortError')
    expect(await codeOf(admission.enter('finn', gone.signal))).toBe('AbortError')
    expect(admission.waiting()).toBe(0)
    const last = codeOf(admission.enter('finn'))
    admission.close()
    expect(await last).toBe('shutting_down')
    expect(await codeOf(admission.enter('carl'))).toBe('shutting_down')
  })

  it('open requests are bounded by caller', () => {
    const admission = admissionOf({ openPerCaller: 2 })
    const leave = admission.open('ada')
    admission.open('ada')
    expect(() => admission.open('ada')).toThrow(expect.objectContaining({ code: 'too_many_requests', status: 429 }))
    admission.open('finn')
    leave()
    admission.open('ada')
  })
})

describe('the memory of used proofs', () => {
  it('has a share for each key, so that one who fills it keeps out itself alone', async () => {
    verifies('SRV-KIT.10', 'AUTH-6.1')
    const url = 'http://127.0.0.1:1/mcp'
    const token = 'a.b.c'
    const proofs = createProofVerifier(url, { replays: 10, replaysPerKey: 3 })
    const use = async (device: Device) => {
      const proof = await device.proof('POST', url, token)
      const tokenHash = createHash('sha256').update(token).digest('base64url')
      try {
        proofs.verify({ proof, tokenHash, thumbprint: device.thumbprint, method: 'POST', url, now: Date.now() })
        return 'good'
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    const [flooder, other] = await Promise.all([Device.create(), Device.create()])
    for (let n = 0; n < 3; n++) expect(await use(flooder)).toBe('good')
    expect(await use(flooder)).toBe('dpop_window_full')
    expect(await use(other)).toBe('good')
  })
})

describe('wrong tokens from one address', () => {
  it('are looked at so often in a minute, and again as time goes by', () => {
    let now = 0
    const limit = createFailureLimit(60, () => now)
    for (let n = 0; n < 60; n++) limit.take('192.0.2.1')
    expect(() => limit.take('192.0.2.1')).toThrow(expect.objectContaining({ code: 'too_many_failures', status: 429 }))
    limit.take('192.0.2.2')
    now = 1_500
    const giveBack = limit.take('192.0.2.1')
    expect(() => limit.take('192.0.2.1')).toThrow()
    giveBack()
    limit.take('192.0.2.1')
  })

  it('count by the network that one subscriber has', () => {
    const same = [
      ['::ffff:192.0.2.1', '192.0.2.1'],
      ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
      ['2001:db8::1', '2001:db8:0:0:5::'],
      ['fe80::1%eth0', 'fe80::2'],
      [undefined, undefined],
    ]
    for (const [one, other] of same) {
      const limit = createFailureLimit(1)
      limit.take(one)
      expect(() => limit.take(other)).toThrow()
      limit.take('2001:db8:1:3::1')
    }
  })
})

describe('a server', () => {
  let world: World
  afterEach(() => world.stop())

  const call = async (caller: string, tool: string, args: Record<string, unknown> = {}): Promise<RawAnswer> =>
    rawCall({ url: world.url, token: await tokenOf(caller), tool, arguments: args })
  const tokens = new Map<string, Promise<string>>()
  const tokenOf = (sub: string) => {
    const key = `${world.url} ${sub}`
    const token = tokens.get(key) ?? world.issuer.token(world.url, { sub })
    tokens.set(key, token)
    return token
  }
  const untilMetric = (name: string, value: number) => until(async () => (await metric(name)) === value)
  const metric = async (name: string) =>
    Number(
      new RegExp(`^${name}(?:\\{.*\\})? (\\d+)`, 'm').exec(
        await (await fetch(`${world.server.url}/metrics`)).text(),
      )?.[1],
    )
  const codes = (answers: RawAnswer[]) => {
    const count: Record<string, number> = {}
    for (const { status, body } of answers) {
      const code = `${status} ${/"code":"(\w+)"/.exec(body)?.[1] ?? 'ok'}`
      count[code] = (count[code] ?? 0) + 1
    }
    return count
  }

  it('goes on serving others while one caller floods it with calls that do not end', { timeout: 90_000 }, async () => {
    verifies('SRV-KIT.10')
    const limits = { calls: 6, callsPerCaller: 4, waitingPerCaller: 10, patience: 60_000 }
    world = await startWorld({ limits, drain: 100 })
    const flood = Array.from({ length: 200 }, () => call('ada', 'wait', { steps: 1_000_000 }))
    const refused: RawAnswer[] = []
    for (const answer of flood)
      void answer.then((one) => one.status === 429 && refused.push(one)).catch(() => undefined)
    await vi.waitFor(() => expect(refused).toHaveLength(186), { timeout: 60_000, interval: 50 })
    for (let n = 0; n < 20; n++) {
      const { structured } = await call('finn', 'echo', { text: `${n}` })
      expect(structured).toEqual({ value: `${n}` })
    }
    // None of ada's has ended: finn did not wait for any.
    expect(world.tools.ended).toEqual([])
    expect(codes(refused)).toEqual({ '429 too_many_calls': 186 })

    const events = () =>
      world.registry.audit.filter((event) => event.outcome === 'too_many_calls' && event.tool === 'wait')
    await until(() => events().length >= 100)
    expect(events()[0]).toMatchObject({ action: 'refuse', caller: { subject: 'ada' }, decision: { allowed: false } })
  })

  it('says when to come back', async () => {
    world = await startWorld({ limits: { calls: 1, callsPerCaller: 1, waiting: 1, waitingPerCaller: 1 }, drain: 100 })
    const first = call('ada', 'wait', { steps: 1_000_000 })
    await untilMetric('gatehouse_calls_running', 1)
    const second = call('ada', 'echo', { text: 'x' }).catch(() => undefined)
    await untilMetric('gatehouse_calls_waiting', 1)
    const response = await fetch(world.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await tokenOf('ada')}` },
      body: JSON.stringify({ jsonrpc: '2.0', id: 9, method: 'tools/list' }),
    })
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toMatch(/^[1-9]/)
    expect(await response.json()).toMatchObject({ id: 9, error: { data: { code: 'too_many_calls' } } })
    await world.server.stop()
    await Promise.allSettled([first, second])
  })

  it('shares one place in turn: a flood that came first does not hold up the others’ calls', async () => {
    verifies('SRV-KIT.10')
    world = await startWorld({ limits: { calls: 1, callsPerCaller: 1, waitingPerCaller: 100, patience: 60_000 } })
    let adas = 0
    const flood = Array.from({ length: 60 }, () => call('ada', 'wait', { steps: 3 }).then(() => adas++))
    await until(() => adas > 2)
    const before = adas
    await Promise.all([1, 2, 3].map((n) => call('finn', 'echo', { text: `${n}` })))
    // In turn: one of ada's between two of finn's, and a few more for what was under way.
    expect(adas - before).toBeLessThan(15)
    await Promise.all(flood)
    expect(adas).toBe(60)
  })

  it('lets what ends or talks to a running call through, however many calls its caller has', async () => {
    world = await startWorld({ limits: { calls: 1, callsPerCaller: 1, waitingPerCaller: 1, patience: 60_000 } })
    const gone = new AbortController()
    const token = await tokenOf('ada')
    const abandoned = fetch(world.url, {
      method: 'POST',
      signal: gone.signal,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${token}`,
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': 'wait',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: {
          name: 'wait',
          arguments: { steps: 1_000_000 },
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      }),
    })
    await untilMetric('gatehouse_calls_running', 1)
    const waiting = call('ada', 'echo', { text: 'after' })
    await untilMetric('gatehouse_calls_waiting', 1)
    gone.abort()
    await expect(abandoned).rejects.toThrow()
    expect((await waiting).structured).toEqual({ value: 'after' })
    expect(world.tools.ended).toEqual(['aborted'])
  })

  it('looks at so many wrong tokens from one address, and still knows those it found good', async () => {
    verifies('SRV-KIT.10', 'AUTH-7.1')
    world = await startWorld({ limits: { failures: 20 } })
    expect((await call('ada', 'echo', { text: 'x' })).status).toBe(200)
    const wrong = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        rawCall({ url: world.url, token: `wrong${n}`, tool: 'echo', arguments: { text: 'x' } }),
      ),
    )
    const count = codes(wrong)
    // A little more than 20, as time goes by meanwhile.
    expect(count['401 token_invalid']).toBeGreaterThanOrEqual(20)
    expect(count['429 too_many_failures']).toBeGreaterThanOrEqual(10)
    expect((await call('ada', 'echo', { text: 'x' })).status).toBe(200)
    // The stranger's flood and ada's good calls: nobody's good name suffers from the other's.
    await until(() => world.registry.audit.some((event) => event.outcome === 'too_many_failures'))
  })
})
