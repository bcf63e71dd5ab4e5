import { RECORD_TYP, RecordClaims } from '@gatehouse/contracts'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { codeOf, DEV_SECRET, prestoRecord, send, type Stack, startStack } from './stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack({ recordLife: 30 })
  await stack.put(prestoRecord())
})
afterAll(() => stack.stop())

const record = (id: string) => fetch(`${stack.url}/gatehouse/v1/records/${id}`)
const dev = (id: string, body: unknown, secret = DEV_SECRET) =>
  send(`${stack.url}/gatehouse/v1/dev/servers/${id}`, 'PUT', body, secret)

describe('the signed record', () => {
  test('is a short-lived JWS with the whole governance record', async () => {
    verifies('REG-2.1', 'SRV-KIT.3')
    const response = await record('presto')
    expect(response.headers.get('Content-Type')).toBe('application/jwt')
    const keys = createRemoteJWKSet(new URL(`${stack.url}/gatehouse/v1/keys`))
    const { payload } = await jwtVerify(await response.text(), keys, { typ: RECORD_TYP, issuer: stack.url })
    const claims = RecordClaims.parse(payload)
    expect(claims.sub).toBe('presto')
    expect(claims.exp - claims.iat).toBe(30)
    expect(claims.record).toEqual(prestoRecord())
  })

  test('does not exist for a server that is unknown, retired, or no id at all', async () => {
    await stack.put(prestoRecord({ id: 'old', status: 'retired' }))
    for (const id of ['nothing', 'old', '%00', 'presto%2F..']) {
      const response = await record(id)
      expect([response.status, await codeOf(response)]).toEqual([404, 'server_unknown'])
    }
  })

  test('a stored record that does not fit the contract is neither signed nor listed', async () => {
    verifies('AUTH-8.2')
    await stack.put(prestoRecord({ id: 'broken' }))
    await stack.database
      .updateTable('servers')
      .set({ record: '{"id":"broken"}', revision: '999999' })
      .where('id', '=', 'broken')
      .execute()
    expect((await record('broken')).status).toBe(404)
    expect(JSON.stringify(await stack.list('ada'))).not.toContain('broken')
    expect(stack.logged.join()).toContain('record_invalid')
  })
})

test('a record of production that serves clients which registered themselves is refused', async () => {
  verifies('AUTH-8.2')
  const clients = [{ selfRegistered: true, surface: 'cli' }]
  const refused = await dev('presto', { ...prestoRecord(), environment: 'production', clients })
  expect([refused.status, await codeOf(refused)]).toEqual([400, 'record_invalid'])
})

describe('suspension', () => {
  test('by a registry administrator ends the record and the access, with the reason; reinstating brings both back', async () => {
    verifies('REG-3.1', 'AUTH-8.3')
    const suspended = await stack.changeStatus('ines', 'presto', 'suspend', { reason: 'a leak' })
    expect(await suspended.json()).toEqual({ id: 'presto', version: '1.0.0', status: 'suspended', reason: 'a leak' })
    const refused = await record('presto')
    expect([refused.status, await codeOf(refused)]).toEqual([403, 'server_suspended'])
    for (const user of ['ada', 'carl']) {
      expect((await stack.list(user)).servers).toContainEqual(
        expect.objectContaining({ access: 'denied', reason: 'suspended by the registry: a leak; ask #presto-help' }),
      )
    }
    // Listing the server again, as every start of the local stack does, must not lift it.
    await stack.put(prestoRecord())
    expect((await record('presto')).status).toBe(403)

    expect((await stack.changeStatus('ines', 'presto', 'reinstate', { reason: 'fixed' })).status).toBe(200)
    expect((await record('presto')).status).toBe(200)
    expect((await stack.list('ada')).servers).toContainEqual(expect.objectContaining({ access: 'allowed' }))
  })

  test('by anyone else is refused, audited, and changes nothing', async () => {
    verifies('REG-3.1', 'OBS-2.1')
    for (const change of ['suspend', 'reinstate'] as const) {
      const response = await stack.changeStatus('ada', 'presto', change)
      expect([response.status, await codeOf(response)]).toEqual([403, 'not_registry_admin'])
    }
    expect((await record('presto')).status).toBe(200)
    const rows = await stack.database
      .selectFrom('audit_events')
      .select(['event'])
      .where('outcome', '=', 'not_registry_admin')
      .execute()
    expect(rows).toHaveLength(2)
    expect(rows[0]?.event).toContain('"suspend_server"')
  })

  test('needs a server, a reason and a token', async () => {
    const answers = [
      await stack.changeStatus('ines', 'nothing', 'suspend'),
      await stack.changeStatus('ines', 'presto', 'suspend', { reason: ' ' }),
      await stack.changeStatus('ines', 'presto', 'suspend', {}),
      await send(`${stack.url}/gatehouse/v1/servers/presto/suspend`, 'POST', { reason: 'a leak' }, 'nonsense'),
    ]
    expect(await Promise.all(answers.map(async (answer) => [answer.status, await codeOf(answer)]))).toEqual([
      [404, 'server_unknown'],
      [400, 'change_invalid'],
      [400, 'change_invalid'],
      [401, 'token_invalid'],
    ])
  })

  test('is audited with its reason', async () => {
    verifies('OBS-2.1')
    const rows = await stack.database
      .selectFrom('audit_events')
      .select('event')
      .where('subject', '=', 'ines')
      .where('action', '=', 'call')
      .orderBy('sequence')
      .execute()
    expect(JSON.parse(rows[0]?.event ?? '')).toMatchObject({
      server: 'registry',
      tool: 'suspend_server',
      arguments: { server: 'presto', reason: 'a leak' },
      outcome: 'ok',
      decision: { allowed: true },
    })
  })
})

describe('the development endpoint', () => {
  test('refuses a wrong secret, another id, and what is no record', async () => {
    const answers = [
      await dev('presto', prestoRecord(), 'wrong'),
      await dev('other', prestoRecord()),
      await dev('presto', { ...prestoRecord(), url: 'not a url' }),
      await dev('presto', { ...prestoRecord(), surfaces: [] }),
      await dev('second', prestoRecord({ id: 'second', name: 'dev.gatehouse/presto' })),
    ]
    expect(await Promise.all(answers.map(async (answer) => [answer.status, await codeOf(answer)]))).toEqual([
      [401, 'secret_invalid'],
      [400, 'record_invalid'],
      [400, 'record_invalid'],
      [400, 'record_invalid'],
      [409, 'name_taken'],
    ])
  })

  test('refuses a body that is too large, is not JSON, or says a key twice', async () => {
    const raw = (body: string, type = 'application/json') =>
      fetch(`${stack.url}/gatehouse/v1/dev/servers/presto`, {
        method: 'PUT',
        headers: { Authorization: `Bearer ${DEV_SECRET}`, 'Content-Type': type },
        body,
      })
    const answers = [
      await raw(JSON.stringify({ big: 'x'.repeat(1024 * 1024) })),
      await raw('{"id":'),
      await raw('{"id":"presto","id":"other"}'),
      await raw('{}', 'text/plain'),
    ]
    expect(await Promise.all(answers.map(async (answer) => [answer.status, await codeOf(answer)]))).toEqual([
      [413, 'body_too_large'],
      [400, 'json_syntax'],
      [400, 'json_duplicate_key'],
      [415, 'content_type'],
    ])
  })
})
