import { randomUUID } from 'node:crypto'
import { canonicalJson } from '@gatehouse/contracts'
import { AuditStore } from '@gatehouse/registry'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chain, firstBroken, GENESIS } from '../../companion/services/registry/src/audit/chain.ts'
import { verifies } from '../requirements.ts'
import { auditEvent, codeOf, prestoRecord, type Stack, startStack } from './stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
  await stack.put(prestoRecord())
})
afterAll(() => stack.stop())

const stored = (id: string) =>
  stack.database.selectFrom('audit_events').selectAll().where('id', '=', id).executeTakeFirst()

describe('intake', () => {
  test('keeps every event exactly, once', async () => {
    verifies('REG-9.1', 'OBS-2.1')
    const event = auditEvent({ arguments: { sql: 'select 1\0', share: 0.1, text: 'ü' } })
    expect(await (await stack.deliver([event])).json()).toEqual({ accepted: 1, duplicates: 0 })
    const another = auditEvent()
    const repeated = await stack.deliver([event, another, another])
    expect(await repeated.json()).toEqual({ accepted: 1, duplicates: 2 })
    expect((await stored(event.id))?.event).toBe(canonicalJson(event))
  })

  test('takes what could not be authenticated, workloads, and U+0000 in a subject', async () => {
    const { caller: _, ...anonymous } = auditEvent({ outcome: 'token_invalid', action: 'refuse' })
    const workload = auditEvent({ caller: { kind: 'workload', spiffeId: 'spiffe://example/prober' } })
    const strange = auditEvent({
      caller: { kind: 'user', subject: 'a\0b', groups: [], client: 'c', surface: 'cli' },
    })
    const response = await stack.deliver([anonymous, workload, strange])
    expect(await response.json()).toEqual({ accepted: 3, duplicates: 0 })
    expect((await stored(strange.id))?.subject).toBe('ab')
  })

  test('a thousand at a time', async () => {
    const events = Array.from({ length: 1000 }, () => auditEvent())
    expect(await (await stack.deliver(events)).json()).toEqual({ accepted: 1000, duplicates: 0 })
    const response = await stack.deliver([...events, auditEvent()])
    expect([response.status, await codeOf(response)]).toEqual([400, 'events_invalid'])
  })

  test('refuses a wrong token and what is no event, and keeps nothing of that delivery', async () => {
    const good = auditEvent()
    const answers = [
      await stack.deliver([good], 'wrong'),
      await stack.deliver([good, { ...auditEvent(), id: 'no uuid' }]),
      await stack.deliver('nothing'),
    ]
    expect(await Promise.all(answers.map(async (answer) => [answer.status, await codeOf(answer)]))).toEqual([
      [401, 'secret_invalid'],
      [400, 'events_invalid'],
      [400, 'events_invalid'],
    ])
    expect(await stored(good.id)).toBeUndefined()
    const anonymous = await fetch(`${stack.url}/gatehouse/v1/audit`, { method: 'POST' })
    expect(anonymous.status).toBe(401)
  })

  test('refuses a body over the limit', async () => {
    const response = await stack.deliver([auditEvent({ arguments: { sql: 'x'.repeat(8 * 1024 * 1024) } })])
    expect([response.status, await codeOf(response)]).toEqual([413, 'body_too_large'])
  })
})

describe('the chain', () => {
  test('holds when many deliver at once, without a gap', async () => {
    verifies('REG-9.1')
    const deliveries = await Promise.all(Array.from({ length: 12 }, () => stack.deliver([auditEvent(), auditEvent()])))
    expect(deliveries.map(({ status }) => status)).toEqual(Array<number>(12).fill(200))
    expect(await new AuditStore(stack.database).verify()).toBeUndefined()
  })

  test('cannot be changed: update, delete and truncate are refused by the database', async () => {
    verifies('REG-9.1')
    const tamper = [
      sql`update audit_events set outcome = 'ok'`,
      sql`delete from audit_events`,
      sql`truncate audit_events`,
    ]
    for (const statement of tamper) {
      await expect(statement.execute(stack.database)).rejects.toThrow('append-only')
    }
  })

  test('shows where someone with the database’s own rights changed it', async () => {
    verifies('REG-9.1')
    const victim = auditEvent()
    await stack.deliver([victim, auditEvent()])
    const original = await stored(victim.id)
    const write = (event: string) =>
      stack.database.transaction().execute(async (transaction) => {
        await sql`set local session_replication_role = replica`.execute(transaction)
        await transaction.updateTable('audit_events').set({ event }).where('id', '=', victim.id).execute()
      })
    await write(canonicalJson({ ...victim, outcome: 'denied' }))
    expect(await new AuditStore(stack.database).verify()).toBe(Number(original?.sequence))
    await write(original?.event ?? '')
    expect(await new AuditStore(stack.database).verify()).toBeUndefined()
  })

  test('any changed, dropped, added or swapped row breaks it', async () => {
    verifies('REG-9.1')
    const entries = fc.array(fc.string(), { minLength: 2, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(entries, fc.nat(), fc.constantFrom('change', 'drop', 'repeat'), async (texts, at, kind) => {
        const links = chain(
          texts.map((event, index) => ({ sequence: index + 1, receivedAt: '2026-01-01T00:00:00.000Z', event })),
          GENESIS,
        )
        expect(await firstBroken(links)).toBeUndefined()
        // Cutting off the end is what only a witness elsewhere can notice.
        const index = kind === 'drop' ? at % (links.length - 1) : at % links.length
        const link = links[index]
        if (!link) throw new TypeError('no link')
        const tampered = [...links]
        if (kind === 'change') tampered[index] = { ...link, event: `${link.event}x` }
        else if (kind === 'drop') tampered.splice(index, 1)
        else tampered.splice(index, 0, link)
        expect(await firstBroken(tampered)).toBeDefined()
      }),
      { numRuns: 100 },
    )
  })
})

test('the registry’s own lists are in the log, 304 included, with digest and size and no content', async () => {
  verifies('OBS-2.1', 'OBS-2.2')
  const headers = await stack.bearer('gus')
  const url = `${stack.url}/gatehouse/v1/list`
  const etag = String((await fetch(url, { headers })).headers.get('ETag'))
  await fetch(url, { headers: { ...headers, 'If-None-Match': etag } })
  const rows = await stack.database
    .selectFrom('audit_events')
    .select(['event', 'outcome'])
    .where('subject', '=', 'gus')
    .orderBy('sequence')
    .execute()
  expect(rows.map(({ outcome }) => outcome)).toEqual(['ok', 'not_modified'])
  expect(JSON.parse(rows[0]?.event ?? '')).toMatchObject({
    server: 'registry',
    action: 'list',
    from: '127.0.0.1',
    output: { excerpt: '' },
  })
  expect(rows[0]?.event).not.toContain(headers.Authorization.slice(-40))
})

test('an id says once and for all what happened: a second event under it is not taken', async () => {
  const id = randomUUID()
  await stack.deliver([auditEvent({ id, outcome: 'denied' })])
  await stack.deliver([auditEvent({ id, outcome: 'ok' })])
  expect((await stored(id))?.outcome).toBe('denied')
})
