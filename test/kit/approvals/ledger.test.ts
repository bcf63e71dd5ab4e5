import { randomUUID } from 'node:crypto'
import type { AuditEvent } from '@gatehouse/contracts'
import { digestOf } from '@gatehouse/contracts'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Consumption, createLedger, type Ledger } from '../../../companion/packages/kit/src/approvals/ledger.ts'
import type { LedgerTables } from '../../../companion/packages/kit/src/approvals/ledger-tables.ts'
import { buildAuditEvent } from '../../../companion/packages/kit/src/audit/event.ts'
import { openDatabase } from '../../../companion/packages/kit/src/postgres/database.ts'
import { verifies } from '../../requirements.ts'
import { startTestPostgres, type TestPostgres } from '../../support/postgres.ts'

const SCHEMA = 'presto'
const OUTCOME = { isError: false, structured: { changed: 1 }, text: 'one row changed' }

type Database = ReturnType<typeof openDatabase<LedgerTables>>

let postgres: TestPostgres
let url: string
/** Two pools, as two replicas of one server have. */
let replicas: [Database, Database]
let ledgers: [Ledger, Ledger]

beforeAll(async () => {
  postgres = await startTestPostgres()
  url = await postgres.databaseUrl('ledger')
  replicas = [connect(url), connect(url)]
  ledgers = [
    createLedger(replicas[0], { schema: SCHEMA, outcomeWaitMs: 300 }),
    createLedger(replicas[1], { schema: SCHEMA, outcomeWaitMs: 300 }),
  ]
  await Promise.all([...ledgers, ...ledgers].map((ledger) => ledger.migrate()))
})

afterAll(async () => {
  await Promise.all(replicas.map((db) => db.destroy()))
  await postgres.stop()
})

test('the first call on a receipt wins, and its audit row is there', async () => {
  const entry = consumption()
  expect(await ledgers[0].consume(entry)).toEqual({ kind: 'won' })
  expect(await pendingIds()).toContain(entry.audit.id)
})

test('of two calls racing on one receipt through two replicas exactly one wins, 1,000 times', {
  timeout: 120_000,
}, async () => {
  verifies('SRV-KIT.4', 'SRV-KIT.5')
  const racing = [
    createLedger(replicas[0], { schema: SCHEMA, outcomeWaitMs: 0 }),
    createLedger(replicas[1], { schema: SCHEMA, outcomeWaitMs: 0 }),
  ]
  const winners = [0, 0]
  for (let race = 0; race < 1000; race++) {
    const jti = randomUUID()
    // Who is asked first alternates, so that neither replica has the head start.
    const order = race % 2 === 0 ? [0, 1] : [1, 0]
    const entries = order.map(() => consumption({ jti }))
    const results = await Promise.all(order.map((replica, index) => racing[replica]!.consume(entries[index]!)))
    expect(results.map((result) => result.kind).sort()).toEqual(['lost', 'won'])
    const winner = results.findIndex((result) => result.kind === 'won')
    winners[order[winner]!]!++
    const audited = await auditRows(entries.map((entry) => entry.audit.id))
    expect(audited).toEqual([entries[winner]!.audit.id])
  }
  expect(winners[0]! + winners[1]!).toBe(1000)
  expect(Math.min(...winners)).toBeGreaterThan(0)
})

test('sixteen calls racing on one receipt: one wins', async () => {
  const jti = randomUUID()
  const racing = Array.from({ length: 16 }, (_, index) => ledgers[index % 2]!.consume(consumption({ jti })))
  const kinds = (await Promise.all(racing)).map((result) => result.kind)
  expect(kinds.filter((kind) => kind === 'won')).toHaveLength(1)
})

test('a retry by the same caller gets the stored outcome', async () => {
  verifies('SRV-KIT.4')
  const entry = consumption()
  await ledgers[0].consume(entry)
  await ledgers[0].finish(entry.jti, OUTCOME, audit('ok'))
  expect(await ledgers[1].consume({ ...entry, audit: audit('started') })).toEqual({
    kind: 'lost',
    sameCaller: true,
    outcome: OUTCOME,
  })
})

test('a retry that arrives while the write runs waits for its outcome', async () => {
  const patient = createLedger(replicas[1], { schema: SCHEMA, outcomeWaitMs: 10_000 })
  const entry = consumption()
  await ledgers[0].consume(entry)
  const retry = patient.consume(entry)
  await new Promise((resolve) => setTimeout(resolve, 200))
  await ledgers[0].finish(entry.jti, OUTCOME, audit('ok'))
  expect(await retry).toEqual({ kind: 'lost', sameCaller: true, outcome: OUTCOME })
})

test('the wait for an outcome ends when the caller goes away', async () => {
  const patient = createLedger(replicas[1], { schema: SCHEMA, outcomeWaitMs: 60_000 })
  const entry = consumption()
  await ledgers[0].consume(entry)
  const gone = new AbortController()
  const retry = patient.consume(entry, gone.signal)
  setTimeout(() => gone.abort(), 50)
  expect(await retry).toEqual({ kind: 'lost', sameCaller: true })
})

test('a crash between consumption and outcome: a retry is told of no outcome, and the write does not run again', async () => {
  verifies('SRV-KIT.4', 'SRV-KIT.5')
  const crashing = connect(url)
  const entry = consumption()
  await createLedger(crashing, { schema: SCHEMA }).consume(entry)
  await crashing.destroy()
  expect(await ledgers[1].consume(entry)).toEqual({ kind: 'lost', sameCaller: true })
  expect(await pendingIds()).toContain(entry.audit.id)
})

test.each([
  ['another subject', { subject: 'mallory' }],
  ['another tool', { tool: 'drop_everything' }],
  ['other arguments', { argsDigest: digestOf({ sql: 'DROP TABLE ads' }) }],
])('a used receipt shown by %s: lost, without the outcome and without a wait', async (_, change) => {
  const entry = consumption()
  await ledgers[0].consume(entry)
  await ledgers[0].finish(entry.jti, OUTCOME, audit('ok'))
  expect(await ledgers[1].consume({ ...entry, ...change })).toEqual({ kind: 'lost', sameCaller: false })
})

test('an audit row that cannot be written undoes the consumption', async () => {
  const first = consumption()
  await ledgers[0].consume(first)
  const second = { ...consumption(), audit: first.audit }
  await expect(ledgers[0].consume(second)).rejects.toMatchObject({ code: 'ledger_unavailable' })
  expect(await ledgers[0].consume({ ...second, audit: audit('started') })).toEqual({ kind: 'won' })
})

test('an outcome is stored once, and only for a receipt that was consumed', async () => {
  const entry = consumption()
  await expect(ledgers[0].finish(entry.jti, OUTCOME, audit('ok'))).rejects.toMatchObject({
    code: 'ledger_unknown_receipt',
  })
  await ledgers[0].consume(entry)
  await ledgers[0].finish(entry.jti, OUTCOME, audit('ok'))
  const again = audit('ok')
  await expect(ledgers[1].finish(entry.jti, OUTCOME, again)).rejects.toMatchObject({ code: 'ledger_unknown_receipt' })
  expect(await auditRows([again.id])).toEqual([])
})

test('text that jsonb would refuse comes back as it was', async () => {
  const entry = consumption()
  const outcome = { isError: true, structured: { cell: '\u0000 \ud800 €' }, text: 'nul \u0000 byte' }
  await ledgers[0].consume(entry)
  await ledgers[0].finish(entry.jti, outcome, audit('tool_error'))
  expect(await ledgers[0].consume(entry)).toEqual({ kind: 'lost', sameCaller: true, outcome })
})

test('pending audit comes oldest first, until it is marked shipped', async () => {
  verifies('OBS-2.1')
  await ledgers[0].markShipped(await pendingIds())
  const entry = consumption()
  const finished = audit('ok')
  await ledgers[0].consume(entry)
  await ledgers[0].finish(entry.jti, OUTCOME, finished)
  expect(await ledgers[1].pendingAudit(10)).toEqual([entry.audit, finished])
  expect(await ledgers[1].pendingAudit(1)).toEqual([entry.audit])
  await ledgers[1].markShipped([entry.audit.id])
  expect(await ledgers[0].pendingAudit(10)).toEqual([finished])
})

test('what is older than a day is forgotten once it is shipped', async () => {
  const yesterday = new Date(Date.now() - 25 * 60 * 60 * 1000)
  const entry = consumption()
  await ledgers[0].consume(entry)
  await ledgers[0].markShipped([entry.audit.id])
  const tables = replicas[0].withSchema(SCHEMA)
  await tables.updateTable('gatehouse_audit').set({ shipped_at: yesterday }).where('id', '=', entry.audit.id).execute()
  const unshipped = consumption()
  await ledgers[0].consume(unshipped)
  await tables.updateTable('gatehouse_receipt').set({ consumed_at: yesterday }).execute()
  await ledgers[0].markShipped([])
  expect(await auditRows([entry.audit.id])).toEqual([])
  expect(await auditRows([unshipped.audit.id])).toEqual([unshipped.audit.id])
  expect(await tables.selectFrom('gatehouse_receipt').select('jti').execute()).toEqual([])
})

test('an unreachable database refuses, so that nothing runs', async () => {
  verifies('AUTH-8.2')
  const nowhere = connect('postgres://nobody@127.0.0.1:1/none')
  const ledger = createLedger(nowhere, { schema: SCHEMA })
  await expect(ledger.consume(consumption())).rejects.toMatchObject({ code: 'ledger_unavailable' })
  await expect(ledger.migrate()).rejects.toMatchObject({ code: 'ledger_unavailable' })
  await nowhere.destroy()
})

test('two servers in one database have their own ledgers', async () => {
  const other = createLedger(replicas[0], { schema: 'airflow-2', outcomeWaitMs: 0 })
  await other.migrate()
  const entry = consumption()
  expect(await ledgers[0].consume(entry)).toEqual({ kind: 'won' })
  expect(await other.consume(entry)).toEqual({ kind: 'won' })
})

function connect(connectionString: string): Database {
  return openDatabase<LedgerTables>(connectionString, { connections: 4 })
}

function consumption(change: Partial<Consumption> = {}): Consumption {
  return {
    jti: randomUUID(),
    subject: 'ada',
    tool: 'execute_statement',
    argsDigest: digestOf({ sql: 'DELETE FROM ads.campaign_revenue' }),
    step: randomUUID(),
    expiresAt: Date.now() / 1000 + 600,
    audit: audit('started'),
    ...change,
  }
}

function audit(outcome: string): AuditEvent {
  return buildAuditEvent({
    server: 'presto',
    action: 'call',
    tool: 'execute_statement',
    decision: { allowed: true, reason: 'allowed', rule: 'groups' },
    outcome,
    startedAt: Date.now(),
  })
}

async function pendingIds(): Promise<string[]> {
  return (await ledgers[0].pendingAudit(100_000)).map((event) => event.id)
}

async function auditRows(ids: string[]): Promise<string[]> {
  const rows = await replicas[0]
    .withSchema(SCHEMA)
    .selectFrom('gatehouse_audit')
    .select('id')
    .where('id', 'in', ids)
    .execute()
  return rows.map((row) => row.id)
}

test('a receipt that ran out by the time the database had it is refused, and is not used up', async () => {
  verifies('SRV-KIT.4')
  const entry = consumption()
  const late = { ...entry, expiresAt: Math.floor(Date.now() / 1000) }
  await expect(ledgers[0].consume(late)).rejects.toMatchObject({ code: 'approval_expired' })
  expect(await ledgers[1].consume(entry)).toEqual({ kind: 'won' })
})

test('a replica whose clock is two days ahead forgets nothing that another would run again', async () => {
  verifies('SRV-KIT.4')
  const entry = consumption()
  await ledgers[0].consume(entry)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * 24 * 60 * 60 * 1000 })
  try {
    await ledgers[1].markShipped([entry.audit.id])
  } finally {
    vi.useRealTimers()
  }
  expect(await ledgers[0].consume({ ...entry, audit: audit('started') })).toMatchObject({ kind: 'lost' })
})
