import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkPolicies } from '@gatehouse/kit'
import { TableAccess } from '../../companion/servers/presto/src/access/table-access.ts'
import { prestoServer } from '../../companion/servers/presto/src/definition.ts'
import { SqlGuard } from '../../companion/servers/presto/src/sql/guard.ts'
import { DEFAULT_LIMITS } from '../../companion/servers/presto/src/tools/limits.ts'
import { PrestoTools } from '../../companion/servers/presto/src/tools/presto-tools.ts'
import { verifies } from '../requirements.ts'
import { codeOf, contextOf, FINN, openWorld, type World } from './world.ts'

/** Ways to get at a table that only the ads team may read. */
const TRICKS: readonly string[] = [
  'SELECT * FROM ads.campaign_revenue',
  'SELECT * FROM hive.ads.campaign_revenue',
  'SELECT * FROM "ADS"."Campaign_Revenue"',
  'TABLE ads.campaign_revenue',
  'SELECT count(*) FROM ads.campaign_revenue WHERE false',
  'SELECT (SELECT max(revenue) FROM ads.campaign_revenue)',
  'SELECT 1 WHERE EXISTS (SELECT 1 FROM ads.campaign_revenue)',
  'SELECT * FROM tpch.nation WHERE n_nationkey IN (SELECT campaign_id FROM ads.campaign_revenue)',
  'WITH x AS (SELECT * FROM ads.campaign_revenue) SELECT * FROM x',
  'WITH campaign_revenue AS (SELECT 1 AS a) SELECT * FROM ads.campaign_revenue',
  'SELECT * FROM nation JOIN ads.campaign_revenue ON campaign_id = n_nationkey',
  'SELECT * FROM nation, ads.campaign_revenue',
  'SELECT * FROM nation CROSS JOIN LATERAL (SELECT * FROM ads.campaign_revenue) x',
  'SELECT n_name FROM nation UNION ALL SELECT CAST(revenue AS varchar) FROM ads.campaign_revenue',
  'SELECT * FROM/**/ads/**/./**/campaign_revenue',
  'EXPLAIN SELECT * FROM ads.campaign_revenue',
  'EXPLAIN ANALYZE SELECT * FROM ads.campaign_revenue',
  'SELECT * FROM sandbox.ads_view',
  'SELECT * FROM sandbox.view_of_view',
  'SELECT * FROM (SELECT * FROM sandbox.view_of_view) x',
  'FROM ads.campaign_revenue SELECT *',
  "SELECT * FROM query_table('ads.campaign_revenue')",
  "SELECT * FROM TABLE(query_table('ads.campaign_revenue'))",
  "SELECT * FROM TABLE(query('SELECT * FROM ads.campaign_revenue'))",
  "EXECUTE IMMEDIATE 'SELECT * FROM ads.campaign_revenue'",
  'PREPARE p FROM SELECT * FROM ads.campaign_revenue',
  'DESCRIBE ads.campaign_revenue',
  'SHOW COLUMNS FROM ads.campaign_revenue',
  'SELECT * FROM information_schema.columns',
  'SELECT * FROM information_schema.tables',
  'SELECT * FROM pg_catalog.pg_tables',
  'SELECT * FROM system.main.duckdb_tables',
  'SELECT * FROM duckdb_tables',
  'WITH duckdb_tables AS (SELECT 1 AS a) SELECT * FROM main.duckdb_tables',
  'SELECT * FROM sqlite_master',
  'SELECT * FROM meta.table_facts',
]
/** The same through changes: what a person may not read, they may not copy either. */
const COPIES: readonly string[] = [
  'CREATE TABLE sandbox.copy AS SELECT * FROM ads.campaign_revenue',
  'CREATE VIEW sandbox.copy AS SELECT * FROM ads.campaign_revenue',
  'CREATE VIEW sandbox.copy AS SELECT * FROM sandbox.ads_view',
  "INSERT INTO sandbox.budget_plan SELECT 'a', 'b', 'c', revenue, NULL FROM ads.campaign_revenue",
  'UPDATE sandbox.budget_plan SET planned_amount = (SELECT max(revenue) FROM ads.campaign_revenue)',
  'DELETE FROM sandbox.budget_plan WHERE planned_amount > (SELECT min(revenue) FROM ads.campaign_revenue)',
  "MERGE INTO sandbox.budget_plan USING ads.campaign_revenue ON team = 'x' WHEN MATCHED THEN UPDATE SET planned_amount = revenue",
]

let world: World
let tools: PrestoTools
let access: TableAccess

beforeAll(async () => {
  world = await openWorld()
  tools = new PrestoTools(world.backend, DEFAULT_LIMITS)
  access = new TableAccess(world.backend, new SqlGuard(world.backend.defaults))
  const ada = contextOf()
  await tools.executeStatement({ sql: 'CREATE VIEW sandbox.ads_view AS SELECT * FROM ads.campaign_revenue' }, ada)
  await tools.executeStatement(
    { sql: 'CREATE VIEW sandbox.view_of_view AS SELECT day, revenue FROM sandbox.ads_view' },
    ada,
  )
}, 120_000)

afterAll(async () => {
  await tools.close()
  await world.stop()
})

describe('the policies', () => {
  it('answer every case beside them as expected, and each of their rules decides one', () => {
    verifies('AUTH-8.2', 'AUTH-8.4')
    expect(checkPolicies(prestoServer())).toMatchObject({ kind: 'policies', failures: [], undecided: [] })
  })

  it('say which group is needed and whom to ask', () => {
    verifies('AUTH-8.3')
    expect(contextOf(FINN).decide({ kind: 'table', name: 'ads.campaigns' }).reason).toBe(
      'needs the group ads; ask #presto-help',
    )
  })
})

describe('a table that only the ads team may read', () => {
  it.each(TRICKS)('is not read by finance with: %s', async (sql) => {
    verifies('SRV-P.1')
    const run = { sql, page_rows: 10, wait_seconds: 20 }
    expect(await codeOf(tools.runQuery(run, contextOf(FINN)))).toMatch(
      /^(table_denied|table_not_found|sql_syntax|not_read_only|metadata_statement)$/,
    )
    expect(await codeOf(tools.explainQuery({ sql }, contextOf(FINN)))).not.toBe('none')
    expect(await codeOf(tools.executeStatement({ sql }, contextOf(FINN)))).not.toBe('none')
  })

  it.each(COPIES)('is not copied by finance with: %s', async (sql) => {
    verifies('SRV-P.1')
    expect(await codeOf(access.write(sql, contextOf(FINN)))).toMatch(/^table_(denied|not_found)$/)
    expect(await codeOf(tools.executeStatement({ sql }, contextOf(FINN)))).toMatch(/^table_(denied|not_found)$/)
  })

  it('is caught by the bound plan alone, should the parse tree ever miss it', async () => {
    const { tables } = await world.backend.plan(
      'SELECT * FROM hive.sandbox.view_of_view WHERE false',
      new AbortController().signal,
    )
    expect(tables).toEqual([{ catalog: 'hive', schema: 'ads', table: 'campaign_revenue' }])
    const { foreignSources } = await world.backend.plan('SELECT * FROM duckdb_tables()', new AbortController().signal)
    expect(foreignSources).toEqual(['duckdb_tables'])
  })

  it('is read by the ads team', async () => {
    const { structured } = await tools.runQuery(
      { sql: 'SELECT sum(revenue) AS revenue FROM ads.campaign_revenue', page_rows: 10, wait_seconds: 20 },
      contextOf(),
    )
    expect(structured.rows).toHaveLength(1)
    expect(structured.rows[0]?.[0]).toMatch(/^\d+\.\d\d$/)
  })

  it('is not found by finance, nor a view of it', async () => {
    verifies('SRV-P.1')
    const search = async (person: typeof FINN | undefined) =>
      JSON.stringify((await tools.searchTables({ words: '', limit: 50 }, contextOf(person))).structured)
    expect(await search(FINN)).not.toMatch(/ads\.|ads_view|revenue|campaign/)
    expect(await search(FINN)).toContain('hive.tpch.orders')
    expect(await search(undefined)).toContain('hive.ads.campaign_revenue')
    expect(await search(undefined)).toContain('hive.sandbox.ads_view')
  })

  it.each(['ads.campaign_revenue', 'hive.ads.campaigns', 'sandbox.ads_view', 'ads.never_was'])(
    'is not described to finance: %s',
    async (table) => {
      const code = await codeOf(tools.describeTable({ table, sample_rows: 3 }, contextOf(FINN)))
      expect(code).toBe(table.includes('ads_view') ? 'table_not_found' : 'table_denied')
    },
  )

  it('is denied as a table of that schema that does not exist would be', async () => {
    const answer = async (table: string) =>
      access.read(`SELECT * FROM ads.${table}`, contextOf(FINN)).then(
        () => 'read',
        (error: Error) => error.message.replaceAll(table, 'T'),
      )
    expect(await answer('campaign_revenue')).toBe(await answer('never_was'))
  })

  it('is not named in the suggestion for a misspelt table', async () => {
    const message = await access
      .read('SELECT * FROM tpch.campaign_revenu', contextOf(FINN))
      .catch((error: Error) => error.message)
    expect(message).toBe('there is no table tpch.campaign_revenu')
  })

  it('is not dropped, changed or emptied by anybody', async () => {
    for (const sql of [
      'DROP TABLE ads.campaigns',
      'DELETE FROM ads.campaigns',
      'TRUNCATE TABLE tpch.orders',
      'ALTER TABLE ads.campaigns ADD COLUMN x integer',
    ]) {
      expect(await codeOf(tools.executeStatement({ sql }, contextOf()))).toBe('table_denied')
    }
  })
})
