import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifies } from '../requirements.ts'
import { bundleFixture, type FixtureProcess, type FixtureProgram } from '../support/fixture-process.ts'
import { startWorld, until, type World } from '../support/fixture-world.ts'
import { rawCall } from '../support/mcp-request.ts'

let world: World
let program: FixtureProgram
beforeAll(async () => {
  ;[world, program] = await Promise.all([startWorld(), bundleFixture('test/support/fixture-main.ts')])
  await world.server.stop()
}, 120_000)
afterAll(async () => {
  await program.dispose()
  await world.stop()
})

/** The fixture server in a process of its own, under a record of its own. */
async function start(
  name: string,
  drainMs: number,
): Promise<FixtureProcess & { readonly mcp: string; readonly token: string }> {
  const server = await program.start({
    GATEHOUSE_DATA: `${program.folder}/${name}`,
    GATEHOUSE_ISSUER: world.issuer.url,
    GATEHOUSE_REGISTRY: world.registry.url,
    GATEHOUSE_INTAKE_TOKEN: world.registry.intakeToken,
    GATEHOUSE_DRAIN_MS: String(drainMs),
    DATABASE_URL: world.databaseUrl,
  })
  const mcp = `${server.url}/mcp`
  world.registry.answer({ kind: 'signed', record: world.record({ url: mcp }), life: 3_600 })
  await until(async () => (await fetch(`${server.url}/readyz`)).ok)
  return { ...server, mcp, token: await world.issuer.token(mcp) }
}

async function legacy(
  mcp: string,
  token: string,
): Promise<{ headers: Record<string, string>; readonly post: (message: object) => Promise<Response> }> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    authorization: `Bearer ${token}`,
  }
  const post = (message: object) =>
    fetch(mcp, { method: 'POST', headers, body: JSON.stringify({ jsonrpc: '2.0', ...message }) })
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } }
  const opened = await post({ id: 1, method: 'initialize', params })
  await opened.text()
  headers['mcp-session-id'] = opened.headers.get('mcp-session-id') ?? ''
  await (await post({ method: 'notifications/initialized' })).text()
  return { headers, post }
}

async function running(server: FixtureProcess): Promise<number> {
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  return Number(/^gatehouse_calls_running\{.*\} (\d+)/m.exec(metrics)?.[1])
}

describe('SIGTERM', () => {
  it('lets running calls of both eras finish, refuses new ones with a hint, ends open streams, and the process', async () => {
    verifies('SRV-KIT.8')
    const server = await start('patient', 30_000)
    const { headers, post } = await legacy(server.mcp, server.token)
    const stream = await fetch(server.mcp, { headers: { ...headers, accept: 'text/event-stream' } })
    expect(stream.status).toBe(200)
    const call = { url: server.mcp, token: server.token, tool: 'wait', arguments: { steps: 150 } }
    const modern = rawCall(call)
    const old = post({ id: 2, method: 'tools/call', params: { name: 'wait', arguments: { steps: 150 } } })
    await until(async () => (await running(server)) === 2)

    server.child.kill('SIGTERM')
    await until(async () => (await fetch(`${server.url}/readyz`)).status === 503)
    expect(await stream.text()).not.toContain('data: {')
    for (const late of [
      await fetch(server.mcp, {
        method: 'POST',
        headers: { ...headers, 'mcp-protocol-version': '2026-07-28' },
        body: '{}',
      }),
      await post({ id: 3, method: 'tools/list' }),
    ]) {
      expect([late.status, late.headers.get('retry-after'), late.headers.get('connection')]).toEqual([
        503,
        '2',
        'close',
      ])
      expect(await late.text()).toContain('shutting_down')
    }
    expect(await running(server)).toBe(2)
    expect((await modern).structured).toEqual({ value: 'waited' })
    expect(await (await old).text()).toContain('waited')
    expect(await server.ended).toBe(0)
    await expect(fetch(server.mcp)).rejects.toThrow()
  }, 60_000)

  it('aborts what does not finish in time, and says so to its caller and in the audit', async () => {
    verifies('SRV-KIT.8')
    const server = await start('hasty', 300)
    const { post } = await legacy(server.mcp, server.token)
    const calls = Promise.all([
      rawCall({ url: server.mcp, token: server.token, tool: 'wait', arguments: {} }).then(({ body }) => body),
      rawCall({ url: server.mcp, token: server.token, tool: 'wait', arguments: { stubborn: true } }).then(
        ({ body }) => body,
      ),
      post({ id: 2, method: 'tools/call', params: { name: 'wait', arguments: {} } }).then((answer) => answer.text()),
    ])
    await until(async () => (await running(server)) === 3)
    server.child.kill('SIGTERM')
    for (const body of await calls) expect(body).toContain('shutting_down')
    expect(await server.ended).toBe(0)
    await until(() => world.registry.audit.filter(({ outcome }) => outcome === 'shutting_down').length === 3)
  }, 60_000)

  it('comes twice and changes nothing, and ends a process that has nothing to do at once', async () => {
    const server = await start('idle', 30_000)
    const kept = await fetch(`${server.url}/healthz`)
    await kept.text()
    const ended = once(server.child, 'exit')
    server.child.kill('SIGTERM')
    server.child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  }, 60_000)
})
