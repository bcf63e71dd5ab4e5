import { randomUUID } from 'node:crypto'
import { type AuditEvent, digestOf } from '@gatehouse/contracts'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createLedger, type Ledger } from '../../../companion/packages/kit/src/approvals/ledger.ts'
import type { LedgerTables } from '../../../companion/packages/kit/src/approvals/ledger-tables.ts'
import { startOutbox } from '../../../companion/packages/kit/src/approvals/outbox.ts'
import { buildAuditEvent } from '../../../companion/packages/kit/src/audit/event.ts'
import { ShipError } from '../../../companion/packages/kit/src/audit/ship-error.ts'
import { createLogger } from '../../../companion/packages/kit/src/http/log.ts'
import { openDatabase } from '../../../companion/packages/kit/src/postgres/database.ts'
import { verifies } from '../../requirements.ts'
import { startTestPostgres, type TestPostgres } from '../../support/postgres.ts'

const log = createLogger('test', () => undefined)
let postgres: TestPostgres
let ledger: Ledger
let close: () => Promise<void>

beforeAll(async () => {
  postgres = await startTestPostgres()
  const db = openDatabase<LedgerTables>(await postgres.databaseUrl('outbox'))
  close = () => db.destroy()
  ledger = createLedger(db, { schema: 'presto' })
  await ledger.migrate()
})

afterAll(async () => {
  await close()
  await postgres.stop()
})

test('both audit rows of a write reach the registry in order, after it was down', async () => {
  verifies('OBS-2.1')
  const shipped: AuditEvent[] = []
  let down = true
  const outbox = startOutbox({
    ledger,
    log,
    pollMs: 20,
    async ship(events) {
      if (down) throw new Error('registry is down')
      shipped.push(...events)
    },
  })
  const jti = randomUUID()
  const events = [audit('started'), audit('ok')] as const
  await ledger.consume({
    jti,
    subject: 'ada',
    tool: 't',
    argsDigest: digestOf({}),
    step: randomUUID(),
    expiresAt: Date.now() / 1000 + 600,
    audit: events[0],
  })
  await ledger.finish(jti, { isError: false, text: 'done' }, events[1])
  outbox.wake()
  await vi.waitFor(async () => expect(await ledger.pendingAudit(10)).toHaveLength(2))
  expect(shipped).toEqual([])
  down = false
  await vi.waitFor(() => expect(shipped).toEqual(events), 5000)
  await vi.waitFor(async () => expect(await ledger.pendingAudit(10)).toEqual([]))
  await outbox.stop(1000)
})

function audit(outcome: string): AuditEvent {
  return buildAuditEvent({
    server: 'presto',
    action: 'call',
    decision: { allowed: true, reason: 'allowed', rule: 'groups' },
    outcome,
    startedAt: Date.now(),
  })
}

test('an audit row that the registry will not take is set aside and holds up no other', async () => {
  verifies('SRV-KIT.12')
  const events = [audit('started'), audit('ok')] as const
  const jti = randomUUID()
  await ledger.consume({
    jti,
    subject: 'ada',
    tool: 't',
    argsDigest: digestOf({}),
    step: randomUUID(),
    expiresAt: Date.now() / 1000 + 600,
    audit: events[0],
  })
  await ledger.finish(jti, { isError: false, text: 'done' }, events[1])
  const shipped: AuditEvent[] = []
  const outbox = startOutbox({
    ledger,
    log,
    async ship(parcel) {
      if (parcel.some(({ id }) => id === events[0].id)) throw new ShipError('audit_invalid', 'no', 400)
      shipped.push(...parcel)
    },
  })
  outbox.wake()
  await vi.waitFor(() => expect(shipped).toEqual([events[1]]), 10_000)
  expect(outbox.setAside()).toBe(1)
  await vi.waitFor(async () => expect(await ledger.pendingAudit(10)).toEqual([]))
  await outbox.stop(100)
  await ledger.offerAgain()
  expect(await ledger.pendingAudit(10)).toEqual([events[0]])
  await ledger.markShipped([events[0].id])
})
