import type { RequestListener } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { AuditEvent } from '@gatehouse/contracts'
import { createShipper } from '@gatehouse/kit/edge'
import { createEdgeAudit } from '../../companion/packages/cli/src/edge/refusal-audit.ts'
import { verifies } from '../requirements.ts'
import { type EdgeWorld, startEdgeWorld } from '../support/edge-world.ts'
import { until } from '../support/fixture-world.ts'
import { startRecordRegistry } from '../support/record-registry.ts'

let world: EdgeWorld
afterEach(() => world.stop())

async function ask(claims: Readonly<Record<string, unknown>> = {}, headers: Readonly<Record<string, string>> = {}) {
  const authorization = `Bearer ${await world.token(claims)}`
  const response = await fetch(world.url, { method: 'POST', headers: { authorization, ...headers } })
  const text = await response.text()
  return { status: response.status, headers: response.headers, code: codeIn(text) }
}

function codeIn(text: string): unknown {
  return (JSON.parse(text) as { error?: { data?: { code?: unknown } } }).error?.data?.code
}

/** A stream of server-sent events that says nothing after its first word, until it is closed. */
function quietStream(closed: () => void): RequestListener {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('event: message\ndata: {}\n\n')
    response.once('close', closed)
  }
}

describe('streams', () => {
  test('arrive piece by piece, and end at the server when the client goes away', async () => {
    verifies('AUTH-7.4')
    let closed = 0
    world = await startEdgeWorld(
      {},
      {},
      quietStream(() => closed++),
    )
    const leave = new AbortController()
    const response = await fetch(world.url, {
      headers: { authorization: `Bearer ${await world.token()}` },
      signal: leave.signal,
    })
    const first = await response.body?.getReader().read()
    expect(Buffer.from(first?.value ?? []).toString()).toBe('event: message\ndata: {}\n\n')
    const before = closed
    leave.abort()
    await until(() => closed === before + 1)
  })

  test('outlive the idle time of other requests', async () => {
    world = await startEdgeWorld({}, { idleTime: 1 }, (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: first\n\n')
      setTimeout(() => response.end('data: last\n\n'), 3_000)
    })
    const response = await fetch(world.url, { headers: { authorization: `Bearer ${await world.token()}` } })
    expect(await response.text()).toBe('data: first\n\ndata: last\n\n')
  })
})

describe('the issuer', () => {
  test('may change its key, and a token of the old one is then refused', async () => {
    verifies('AUTH-7.4')
    world = await startEdgeWorld()
    const old = await world.token()
    world.issuer.rotate('withdrawn')
    await until(async () => (await ask()).status === 200)
    const answer = await fetch(world.url, { headers: { authorization: `Bearer ${old}` } })
    expect([answer.status, codeIn(await answer.text())]).toEqual([401, 'token_invalid'])
  })

  test('may go away: its keys are known', async () => {
    verifies('AUTH-7.4')
    world = await startEdgeWorld()
    const token = await world.token()
    await world.stopIssuer()
    const deadline = Date.now() + 4_000
    // Longer than the keys are kept without looking for new ones.
    while (Date.now() < deadline) {
      const response = await fetch(world.url, { headers: { authorization: `Bearer ${token}` } })
      expect(response.status).toBe(200)
      await response.arrayBuffer()
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })

  test('that was never reached is told as such', async () => {
    verifies('AUTH-7.5')
    world = await startEdgeWorld()
    await world.stopIssuer()
    const answer = await world.askWithoutKeys()
    expect([answer.status, answer.headers.get('retry-after'), answer.headers.get('www-authenticate')]).toEqual([
      503,
      '2',
      null,
    ])
    expect(codeIn(await answer.text())).toBe('issuer_unreachable')
  })
})

describe('a server', () => {
  test('that does not answer is told as such, and its refusals of its own are passed on as they are', async () => {
    verifies('AUTH-7.5')
    world = await startEdgeWorld({}, {}, (_request, response) => {
      response.writeHead(503, { 'retry-after': '5', 'content-type': 'application/json' })
      response.end('{"error":{"data":{"code":"server_not_approved"}}}')
    })
    expect(await ask()).toMatchObject({ status: 503, code: 'server_not_approved' })
    await world.stopServer()
    const { status, headers, code } = await ask()
    expect([status, headers.get('retry-after'), code]).toEqual([503, '2', 'server_unreachable'])
  })

  test('whose record changes is served by the new one without a new process', async () => {
    verifies('AUTH-7.6')
    world = await startEdgeWorld()
    expect((await ask({ groups: ['infra'] })).status).toBe(403)
    const pid = world.edge.pid
    await world.render({ groups: ['infra'] })
    await until(async () => (await ask({ groups: ['infra'] })).status === 200)
    expect(await ask()).toMatchObject({ status: 403, code: 'denied' })
    expect(world.edge.pid).toBe(pid)
  })
})

test('one address that asks too often is held back, tool calls sooner than the rest', async () => {
  verifies('AUTH-7.5')
  const rates = { requests: { perSecond: 1, burst: 30 }, calls: { perSecond: 1, burst: 5 } }
  world = await startEdgeWorld({}, { rates })
  const calls = await Promise.all(Array.from({ length: 10 }, () => ask({}, { 'mcp-method': 'tools/call' })))
  const limited = calls.filter(({ status }) => status === 429)
  expect(limited.length).toBeGreaterThanOrEqual(3)
  expect([limited[0]?.code, limited[0]?.headers.get('retry-after')]).toEqual(['rate_limited', '1'])
  expect((await ask()).status).toBe(200)
})

test('refusals are in the audit of the registry, with who was refused once that is known, and no token', async () => {
  verifies('AUTH-7.5', 'OBS-2.2')
  const registry = await startRecordRegistry()
  world = await startEdgeWorld()
  const audit = createEdgeAudit({
    records: () => [world.record],
    ship: createShipper({ registry: registry.url, token: registry.intakeToken }),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  })
  world.edge.onAccess((line) => audit.take(line))
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  await ask({ groups: ['infra'] }, { traceparent })
  await ask({ exp: 1_000 })
  await fetch(world.url, { headers: { 'x-forwarded-user': 'eve' } })
  await fetch(`${world.edge.url}/nowhere`)
  await ask()
  await until(() => registry.audit.length === 4)
  await audit.stop()
  await registry.stop()
  const events = registry.audit.map((event) => AuditEvent.parse(event))
  expect(
    events.map(({ server, action, outcome, decision }) => [server, action, outcome, decision.rule, decision.allowed]),
  ).toEqual([
    ['presto', 'refuse', 'denied', 'server-groups', false],
    ['presto', 'refuse', 'token_expired', 'token_expired', false],
    ['presto', 'refuse', 'identity_header_refused', 'identity_header_refused', false],
    ['edge', 'refuse', 'not_found', 'not_found', false],
  ])
  expect(events[0]).toMatchObject({
    caller: { kind: 'user', subject: 'ada', client: 'gatehouse-cli', surface: 'cli', groups: ['infra'] },
    decision: { reason: 'needs one of the groups ads, finance; ask #data-platform' },
    from: '127.0.0.1',
    traceId: 'a'.repeat(32),
  })
  expect(events[1]?.caller).toBeUndefined()
  expect(JSON.stringify(events)).not.toContain('eyJ')
})
