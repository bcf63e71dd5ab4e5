import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { APPROVAL_META, digestOf } from '@gatehouse/contracts'
import { describeServer, type RunningServer, startServer } from '@gatehouse/kit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { prestoServer } from '../../companion/servers/presto/src/definition.ts'
import { verifies } from '../requirements.ts'
import { Device } from '../support/device.ts'
import { until } from '../support/fixture-world.ts'
import { startTestIssuer, type TestIssuer } from '../support/issuer.ts'
import { type RawAnswer, rawCall } from '../support/mcp-request.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { type RecordRegistry, startRecordRegistry } from '../support/record-registry.ts'
import { prestoRecord } from './world.ts'

let issuer: TestIssuer
let registry: RecordRegistry
let device: Device
let postgres: TestPostgres
let data: string
let server: RunningServer
let url: string

beforeAll(async () => {
  ;[issuer, registry, device, postgres, data] = await Promise.all([
    startTestIssuer(),
    startRecordRegistry(),
    Device.create(),
    startTestPostgres(),
    mkdtemp(join(tmpdir(), 'gatehouse-presto-')),
  ])
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }
  server = await startServer(prestoServer(), {
    host: '127.0.0.1',
    port: 0,
    data,
    issuer: issuer.url,
    registry: registry.url,
    intakeToken: registry.intakeToken,
    databaseUrl: await postgres.databaseUrl('presto'),
    log: silent,
  })
  url = `${server.url}/mcp`
  registry.answer({ kind: 'signed', record: prestoRecord(url) })
  await until(async () => (await fetch(`${server.url}/readyz`)).ok)
}, 120_000)

afterAll(async () => {
  await server.stop()
  await Promise.all([issuer.stop(), registry.stop(), postgres.stop()])
  await rm(data, { recursive: true, force: true })
})

async function call(
  tool: string,
  args: Record<string, unknown>,
  { subject = 'ada', groups = ['ads'], receipt }: { subject?: string; groups?: string[]; receipt?: string } = {},
): Promise<RawAnswer> {
  const claims = { client_id: 'gatehouse-vscode', sub: subject, groups, cnf: { jkt: device.thumbprint } }
  const token = await issuer.token(url, claims)
  const meta = receipt ? { [APPROVAL_META]: receipt } : {}
  return rawCall({ url, token, device, tool, arguments: args, meta })
}

async function approved(args: Record<string, unknown>): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const tool = describeServer(prestoServer()).tools.find(({ name }) => name === 'execute_statement')
  return device.receipt({
    sub: 'ada',
    aud: url,
    iat: now,
    exp: now + 60,
    jti: randomUUID(),
    tool: 'execute_statement',
    args: digestOf(args),
    tool_digest: tool?.digest,
    step: randomUUID(),
    plan: digestOf('a plan'),
  })
}

async function plannedTotal(): Promise<unknown> {
  const { structured } = await call('run_query', {
    sql: 'SELECT sum(planned_amount), count(*) FROM sandbox.budget_plan',
  })
  return structured['rows']
}

describe('the Presto server behind the kit', () => {
  it('answers a search and a query over HTTP', async () => {
    const found = await call('search_tables', { words: 'campaign revenue' })
    expect(found.structured['tables']).toMatchObject([{ name: 'hive.ads.campaign_revenue', owner: 'Ads Measurement' }])
    const rows = await call('run_query', { sql: 'SELECT r_name FROM region ORDER BY r_name LIMIT 2' })
    expect(rows).toMatchObject({ isError: false, structured: { rows: [['AFRICA'], ['AMERICA']], untrusted: true } })
    const table = await call('describe_table', { table: 'tpch.orders' })
    expect(table.structured).toMatchObject({ name: 'hive.tpch.orders', partitioned_by: ['o_orderdate'], rows: 15000 })
  })

  it('does not show finance the ads tables, and says why', async () => {
    verifies('SRV-P.1')
    const answer = await call(
      'run_query',
      { sql: 'SELECT * FROM ads.campaign_revenue' },
      { subject: 'finn', groups: ['finance'] },
    )
    expect(answer).toMatchObject({ isError: true })
    expect(answer.body).toContain('table_denied')
    expect(answer.body).toContain('needs the group ads; ask #presto-help')
  })

  it('does not run a change without an approval, and says exactly what it would touch', async () => {
    verifies('SRV-P.4')
    const before = await plannedTotal()
    const sql = "DELETE FROM sandbox.budget_plan WHERE quarter = '2026Q4' AND team = 'ads'"
    const answer = await call('execute_statement', { sql })
    expect(answer.isError).toBe(true)
    expect(answer.structured).toMatchObject({
      code: 'approval_required',
      proposal: {
        summary: "Delete rows from sandbox.budget_plan WHERE quarter = '2026Q4' AND team = 'ads'",
        touches: ['sandbox.budget_plan: deletes 4 rows'],
        arguments: { sql },
        effect: 'write',
      },
    })
    expect(await plannedTotal()).toEqual(before)
  })

  it('runs an approved change exactly once, however often it is sent', async () => {
    verifies('SRV-P.4')
    const args = { sql: "UPDATE sandbox.budget_plan SET planned_amount = planned_amount + 1 WHERE team = 'infra'" }
    const [[total]] = (await plannedTotal()) as [[string]]
    const receipt = await approved(args)
    const answers = await Promise.all([1, 2, 3].map(() => call('execute_statement', args, { receipt })))
    expect(answers.filter(({ isError }) => !isError).map(({ structured }) => structured['rows_changed'])).toEqual([8])
    const [[after]] = (await plannedTotal()) as [[string]]
    expect(Number(after) - Number(total)).toBe(8)
  })

  it('asks first for a query whose estimated cost is over the limit', async () => {
    const answer = await call('run_query', { sql: 'SELECT count(*) FROM lineitem a, lineitem b' })
    expect(answer.structured).toMatchObject({ code: 'approval_required', proposal: { effect: 'expensive' } })
  })

  it.each([
    ['', 'sql_empty'],
    ['SELECT 1; SELECT 2', 'sql_many_statements'],
    [`SELECT '${'x'.repeat(1_000_000)}'`, 'sql_too_long'],
    ['SELECT * FROM', 'sql_syntax'],
  ])('answers bad SQL with a code of its own', async (sql, code) => {
    for (const tool of ['run_query', 'explain_query', 'execute_statement']) {
      const answer = await call(tool, { sql })
      expect(answer.isError).toBe(true)
      expect(answer.body).toContain(code)
    }
  })
})
