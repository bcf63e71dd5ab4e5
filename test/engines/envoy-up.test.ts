import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { gatehouse, gone, type ReadyEvent, Up } from '../cli/command.ts'
import { verifies } from '../requirements.ts'
import { type DataFolder, temporaryDataFolder } from '../support/data-folder.ts'
import { until } from '../support/fixture-world.ts'

/** `gatehouse up --edge envoy`, as built, with the real Envoy. */
let folder: DataFolder
let up: Up
let ready: ReadyEvent & { readonly edge?: { readonly url: string } }
beforeAll(async () => {
  folder = await temporaryDataFolder()
  up = new Up('--port', '0', '--data', folder.path, '--edge', 'envoy')
  ready = await up.ready()
}, 300_000)
afterAll(async () => {
  await up.end('SIGTERM')
  expect(await gone(up.pids())).toBe(true)
  await folder.remove()
})

const accessLog = () => readFile(join(folder.path, 'logs/edge-access.log'), 'utf8')
const call = (...args: string[]) => gatehouse('call', '--server', 'presto', ...args, '--data', folder.path)

test('the servers are behind the edge, and a call goes through it', async () => {
  verifies('AUTH-7.4')
  const edge = ready.edge?.url ?? ''
  expect(Object.values(ready.servers).every(({ url }) => url.startsWith(`${edge}/`))).toBe(true)
  const read = await call('--tool', 'search_tables', '--args', '{"words":"ads"}')
  expect([read.status, read.stderr]).toEqual([0, ''])
  await until(async () => (await accessLog()).includes('"mcpName":"search_tables"'))
})

test('a change goes through it, approved with a device key', async () => {
  const change = await call(
    '--tool',
    'execute_statement',
    '--args',
    '{"sql":"create table edge_test as select 1 as x"}',
    '--approve',
  )
  // Whatever the statement comes to: the proof and the receipt have passed.
  expect(change.stderr).not.toMatch(/dpop|refused|approval/i)
})

test('who is refused by it hears the reason, and the registry has it in its audit', async () => {
  verifies('AUTH-7.5')
  const url = ready.servers['presto']?.url ?? ''
  const { stdout } = await gatehouse('token', '--user', 'ada', '--resource', url, '--data', folder.path)
  // Another signature than the issuer's, of the same length.
  const forged = `${stdout.trim().slice(0, -86)}${'A'.repeat(86)}`
  const response = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${forged}` } })
  expect(await response.json()).toMatchObject({ error: { data: { code: 'token_invalid' } } })
  await until(async () => (await accessLog()).includes('"code":"token_invalid"'))
})

test('a suspended server is no longer reached through it', async () => {
  verifies('AUTH-7.6')
  const url = ready.servers['presto']?.url ?? ''
  const status = () => fetch(url).then((response) => response.status)
  expect(await status()).toBe(401)
  const told = await gatehouse('suspend', '--server', 'presto', '--reason', 'a test', '--data', folder.path)
  expect(told.status).toBe(0)
  await until(async () => (await status()) === 404)
  await gatehouse('reinstate', '--server', 'presto', '--reason', 'a test', '--data', folder.path)
  await until(async () => (await status()) === 401)
})

test('it is started again when it ends by itself', async () => {
  const Started = z.object({ kind: z.literal('started'), service: z.literal('edge'), pid: z.number() })
  const first = Started.parse(await up.event((event) => Started.safeParse(event).success))
  process.kill(first.pid, 'SIGKILL')
  await up.event((event) => event.kind === 'crashed' && event['service'] === 'edge')
  await up.event((event) => Started.safeParse(event).success && event['pid'] !== first.pid)
  await until(() =>
    fetch(`${ready.edge?.url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  )
})
