import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDuckDb } from '../../companion/servers/presto/src/backend/duckdb.ts'
import { SERVED_SCHEMAS } from '../../companion/servers/presto/src/definition.ts'
import { ensureSample } from '../../companion/servers/presto/src/sample/create.ts'
import { freshnessAnswer } from '../../companion/servers/presto/src/tools/freshness.ts'
import { PrestoTools } from '../../companion/servers/presto/src/tools/presto-tools.ts'
import { FreshnessOutput } from '../../companion/servers/presto/src/tools/schemas.ts'
import { verifies } from '../requirements.ts'
import { codeOf, contextOf, contextOfWorkload, FINN, openWorld, rowsOf, type World } from './world.ts'

const NIGHTLY = 'spiffe://gatehouse.local/nightly'
let world: World
let tools: PrestoTools
beforeAll(async () => {
  world = await openWorld()
  tools = new PrestoTools(world.backend)
}, 120_000)
afterAll(async () => {
  await tools.close()
  await world.stop()
})

async function freshness(ctx: ReturnType<typeof contextOf>, tables?: string[]) {
  const { structured } = await tools.tableFreshness(tables ? { tables } : {}, ctx)
  return FreshnessOutput.parse(structured).tables
}

describe('table_freshness', () => {
  it('tells a person when the tables that they may read last changed, and says nothing of others', async () => {
    verifies('SRV-P.1')
    const names = async (ctx: ReturnType<typeof contextOf>) => (await freshness(ctx)).map(({ name }) => name)
    expect(await names(contextOf())).toContain('hive.ads.campaign_revenue')
    expect(await names(contextOf(FINN))).not.toContain('hive.ads.campaign_revenue')
    expect(await names(contextOf(FINN))).toContain('hive.tpch.orders')
    expect(await codeOf(tools.tableFreshness({ tables: ['ads.campaigns'] }, contextOf(FINN)))).toBe('table_denied')
  })

  it('tells the recorded service of every table, though it may read none, and another service of none', async () => {
    verifies('AUTH-10.5')
    const nightly = contextOfWorkload(NIGHTLY)
    expect(
      (await freshness(nightly, ['ads.campaign_revenue', 'hive.tpch.orders'])).map(({ name }) => name).sort(),
    ).toEqual(['hive.ads.campaign_revenue', 'hive.tpch.orders'])
    expect((await freshness(nightly)).length).toBeGreaterThan(10)
    expect(await codeOf(tools.describeTable({ table: 'tpch.orders', sample_rows: 0 }, nightly))).toBe('table_denied')
    const other = contextOfWorkload('spiffe://other.example/nightly')
    expect(await freshness(other)).toEqual([])
    expect(await codeOf(tools.tableFreshness({ tables: ['tpch.orders'] }, other))).toBe('table_denied')
  })

  it.each([
    'meta.table_facts',
    'tpch.nothing',
    'other.tpch.orders',
    'a.b.c.d',
    '"tpch.orders"',
    'information_schema.tables',
  ])('finds no table %s for the service', async (table) => {
    verifies('AUTH-10.5')
    expect(await codeOf(tools.tableFreshness({ tables: [table] }, contextOfWorkload(NIGHTLY)))).toBe('table_not_found')
  })

  it('follows changes of data, of new tables too, and not those of comments', async () => {
    verifies('AUTH-10.5')
    const ctx = contextOf()
    const of = async (table: string) => (await freshness(ctx, [table]))[0]
    await tools.executeStatement({ sql: 'CREATE TABLE sandbox.fresh (id integer)' }, ctx)
    const made = await of('sandbox.fresh')
    expect([made?.owner, typeof made?.last_updated]).toEqual([null, 'string'])
    const age = "UPDATE meta.table_facts SET updated_at = TIMESTAMPTZ '2026-01-02 03:04:05+00'"
    await world.backend.execute(age, undefined, ctx.signal)
    expect(await of('sandbox.fresh')).toMatchObject({ last_updated: '2026-01-02T03:04:05Z' })
    await tools.executeStatement({ sql: "COMMENT ON TABLE sandbox.fresh IS 'new'" }, ctx)
    expect(await of('sandbox.fresh')).toMatchObject({ last_updated: '2026-01-02T03:04:05Z' })
    await tools.executeStatement({ sql: 'INSERT INTO sandbox.fresh VALUES (1)' }, ctx)
    expect((await of('sandbox.fresh'))?.last_updated).not.toBe('2026-01-02T03:04:05Z')
    expect((await of('tpch.orders'))?.last_updated).toBe('2026-01-02T03:04:05Z')
    await tools.executeStatement({ sql: 'DROP TABLE sandbox.fresh' }, ctx)
  })

  it('does not know of data that was there before it was noted, and says so', async () => {
    verifies('AUTH-10.5')
    const ctx = contextOf()
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-presto-'))
    const file = await ensureSample(folder, ctx.signal)
    const open = () => openDuckDb({ file, catalog: 'hive', defaultSchema: 'tpch', schemas: SERVED_SCHEMAS })
    const old = await open()
    await old.execute('ALTER TABLE meta.table_facts DROP COLUMN updated_at', undefined, ctx.signal)
    await old.close()
    const backend = await open()
    const { structured } = await new PrestoTools(backend).tableFreshness({ tables: ['tpch.orders'] }, ctx)
    expect(structured.tables).toMatchObject([{ last_updated: null, age_seconds: null }])
    expect(await rowsOf(backend, 'SELECT count(*) FROM meta.table_facts WHERE updated_at IS NOT NULL')).toEqual([['0']])
    await backend.close()
    await rm(folder, { recursive: true })
  })

  it('puts first what is not known, then the oldest, and no age is below nothing', () => {
    verifies('AUTH-10.5')
    const now = new Date('2026-11-24T12:00:00Z')
    const table = (name: string, updatedAt: string | undefined) => ({
      name: { catalog: 'hive', schema: 's', table: name },
      kind: 'table' as const,
      basedOn: undefined,
      comment: undefined,
      owner: undefined,
      partitionedBy: [],
      rows: 1,
      updatedAt,
      columns: [],
    })
    const { structured } = freshnessAnswer(
      [table('new', '2026-11-24T12:00:05Z'), table('old', '2026-11-23T12:00:00Z'), table('odd', undefined)],
      now,
    )
    expect(structured.tables.map(({ name, age_seconds }) => [name, age_seconds])).toEqual([
      ['hive.s.odd', null],
      ['hive.s.old', 86_400],
      ['hive.s.new', 0],
    ])
  })
})
