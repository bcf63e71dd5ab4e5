import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifies } from '../requirements.ts'
import { startWorld, until, type World } from '../support/fixture-world.ts'
import { rawCall } from '../support/mcp-request.ts'
import type { RecordAnswer } from '../support/record-registry.ts'

/** Seconds; renewed at a third of it. */
const LIFE = 3
let world: World
let token: string
beforeAll(async () => {
  world = await startWorld({}, { life: LIFE })
  token = await world.issuer.token(world.url)
})
afterAll(() => world.stop())

const call = () => rawCall({ url: world.url, token, tool: 'echo', arguments: { text: 'x' } })
const reason = async () => {
  const { status, body } = await call()
  if (status === 200) return undefined
  const { error } = JSON.parse(body) as { error: { data: { code: string; reason: string } } }
  expect([status, error.data.code]).toEqual([503, 'server_not_approved'])
  return error.data.reason
}
const good = (): RecordAnswer => ({ kind: 'signed', record: world.record(), life: LIFE })

describe('without a valid record of itself a server serves nothing', () => {
  const otherDigest = `sha256:${'0'.repeat(64)}`
  const answers: [string, () => RecordAnswer, string][] = [
    ['unknown to the registry', () => ({ kind: 'missing' }), 'record_missing'],
    ['suspended', () => ({ kind: 'suspended' }), 'suspended'],
    [
      'suspended by a signed record',
      () => ({ kind: 'signed', record: world.record({ status: 'suspended' }) }),
      'suspended',
    ],
    ['retired', () => ({ kind: 'signed', record: world.record({ status: 'retired' }) }), 'record_missing'],
    [
      'with another surface',
      () => ({ kind: 'signed', record: world.record({ surfaceDigest: otherDigest }) }),
      'surface_mismatch',
    ],
    [
      'with another policy',
      () => ({
        kind: 'signed',
        record: world.record({ policy: { tools: { echo: {} }, prompts: {}, resources: {} } }),
      }),
      'policy_mismatch',
    ],
    [
      'at another URL',
      () => ({ kind: 'signed', record: world.record({ url: 'http://127.0.0.1:1/mcp' }) }),
      'record_invalid',
    ],
    ['of another id', () => ({ kind: 'signed', record: world.record(), claims: { sub: 'presto' } }), 'record_invalid'],
    [
      'by another registry',
      () => ({ kind: 'signed', record: world.record(), claims: { iss: 'http://127.0.0.1:1' } }),
      'record_invalid',
    ],
    ['by another key', () => ({ kind: 'signed', record: world.record(), forged: true }), 'record_invalid'],
    [
      'that is another kind of JWT',
      () => ({ kind: 'signed', record: world.record(), typ: 'at+jwt' }),
      'record_invalid',
    ],
    ['that has expired', () => ({ kind: 'signed', record: world.record(), life: -5 }), 'record_expired'],
    [
      'of production that serves clients which registered themselves',
      () => ({
        kind: 'signed',
        record: world.record({ environment: 'production', clients: [{ selfRegistered: true, surface: 'cli' }] }),
      }),
      'record_invalid',
    ],
    [
      'with a record that is no record',
      () => ({ kind: 'signed', record: world.record(), claims: { record: {} } }),
      'record_invalid',
    ],
  ]
  it.each(answers)('%s', async (_what, answer, expected) => {
    verifies('SRV-KIT.3', 'AUTH-8.2')
    world.registry.answer(good())
    await until(async () => (await reason()) === undefined)
    world.registry.answer(answer())
    await until(async () => (await reason()) === expected)
    expect((await fetch(`${world.server.url}/readyz`)).status).toBe(503)
    expect(await (await fetch(`${world.server.url}/.well-known/gatehouse-server`)).json()).toMatchObject({
      record: null,
      state: { kind: 'refusing', reason: expected },
    })
  })
})

it('keeps the record it has while the registry says nothing, until it expires and no longer', async () => {
  verifies('SRV-KIT.3')
  world.registry.answer(good())
  await until(async () => (await reason()) === undefined)
  world.registry.answer({ kind: 'broken' })
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(await reason()).toBeUndefined()
  await until(async () => (await reason()) === 'record_expired')
})

it('does not become less strict when a changed record still lists it', async () => {
  world.registry.answer({ kind: 'signed', record: world.record({ groups: ['finance'] }), life: LIFE })
  await until(async () => (await call()).body.includes('"code":"denied"'))
  world.registry.answer({ kind: 'signed', record: world.record({ clients: [] }), life: LIFE })
  await until(async () => (await call()).body.includes('client_unknown'))
})
