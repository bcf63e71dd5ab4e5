import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDuckDb } from '../../companion/servers/presto/src/backend/duckdb.ts'
import { SERVED_SCHEMAS } from '../../companion/servers/presto/src/definition.ts'
import { ensureSample } from '../../companion/servers/presto/src/sample/create.ts'
import { SqlGuard } from '../../companion/servers/presto/src/sql/guard.ts'
import { summaryOf, touchesOf } from '../../companion/servers/presto/src/tools/change.ts'
import { DEFAULT_LIMITS } from '../../companion/servers/presto/src/tools/limits.ts'
import { PrestoTools } from '../../companion/servers/presto/src/tools/presto-tools.ts'
import { TableAccess } from '../../companion/servers/presto/src/access/table-access.ts'
import { verifies } from '../requirements.ts'
import { codeOf, contextOf, fingerprint, openWorld, rowsOf, type World } from './world.ts'

const never = new AbortController().signal
let world: World
beforeAll(async () => {
  world = await openWorld()
}, 120_000)
afterAll(() => world.stop())

describe('the sample database', () => {
  it('has the tables of TPC-H at a small scale, and every reference holds', async () => {
    const counts = await rowsOf(
      world.backend,
      `SELECT (SELECT count(*) FROM tpch.region), (SELECT count(*) FROM tpch.nation), (SELECT count(*) FROM tpch.supplier),
        (SELECT count(*) FROM tpch.customer), (SELECT count(*) FROM tpch.part), (SELECT count(*) FROM tpch.partsupp), (SELECT count(*) FROM tpch.orders)`,
    )
    expect(counts).toEqual([['5', '25', '100', '1500', '2000', '8000', '15000']])
    const [[lines]] = (await rowsOf(world.backend, 'SELECT count(*) FROM tpch.lineitem')) as [[string]]
    expect(Number(lines)).toBeGreaterThan(55_000)
    const orphans = await rowsOf(
      world.backend,
      `SELECT (SELECT count(*) FROM tpch.lineitem ANTI JOIN tpch.partsupp ON ps_partkey = l_partkey AND ps_suppkey = l_suppkey),
        (SELECT count(*) FROM tpch.orders ANTI JOIN tpch.customer ON c_custkey = o_custkey),
        (SELECT count(*) FROM tpch.partsupp ANTI JOIN tpch.supplier ON s_suppkey = ps_suppkey),
        (SELECT count(*) FROM (SELECT ps_partkey, ps_suppkey FROM tpch.partsupp GROUP BY ALL HAVING count(*) > 1))`,
    )
    expect(orphans).toEqual([['0', '0', '0', '0']])
  })

  it('is the same every time, and made anew after a start that died midway', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-sample-'))
    await writeFile(join(folder, 'unfinished-sample.duckdb'), 'half of a file')
    const steps: number[] = []
    const file = await ensureSample(folder, never, (done, total) => steps.push(done / total))
    expect(steps.at(-1)).toBe(1)
    expect(await readdir(folder)).toEqual(['hive.duckdb'])
    const again = await openDuckDb({ file, catalog: 'hive', defaultSchema: 'tpch', schemas: SERVED_SCHEMAS })
    expect(await fingerprint(again)).toBe(await fingerprint(world.backend))
    await again.close()
    await rm(folder, { recursive: true })
  }, 60_000)

  it('says in words that its file is broken', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-sample-'))
    await writeFile(join(folder, 'hive.duckdb'), 'this is no database'.repeat(1000))
    const open = openDuckDb({
      file: join(folder, 'hive.duckdb'),
      catalog: 'hive',
      defaultSchema: 'tpch',
      schemas: SERVED_SCHEMAS,
    })
    expect(await codeOf(open)).toBe('data_unavailable')
    await rm(folder, { recursive: true })
  })
})

describe('the engine', () => {
  it.each([
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM glob('/*')",
    "COPY tpch.region TO '/tmp/region.csv'",
    "ATTACH '/tmp/other.duckdb'",
    'INSTALL httpfs',
    'SET enable_external_access = true',
    "SET GLOBAL memory_limit = '100GB'",
    'RESET lock_configuration',
  ])('refuses by its own settings, whatever the guard says: %s', async (sql) => {
    await expect(world.backend.execute(sql, undefined, never)).rejects.toThrow()
  })

  it('keeps nothing of a change that is stopped before it is committed', async () => {
    const before = await fingerprint(world.backend)
    const soon = AbortSignal.timeout(300)
    const slow =
      'INSERT INTO sandbox.budget_plan SELECT a.l_comment, b.l_comment, a.l_comment, 1, NULL FROM tpch.lineitem a, tpch.lineitem b, tpch.lineitem c'
    expect(await codeOf(world.backend.execute(slow, undefined, soon))).toBe('query_cancelled')
    expect(await fingerprint(world.backend)).toBe(before)
  })
})

describe('execute_statement', () => {
  it.each([
    [
      'INSERT INTO sandbox.budget_plan SELECT n_name, n_name, n_name, 1, NULL FROM nation',
      'Insert rows into sandbox.budget_plan',
      ['sandbox.budget_plan: adds 25 rows', 'reads tpch.nation'],
    ],
    [
      "UPDATE sandbox.budget_plan SET note = 'x' WHERE team = 'ads'",
      "Update rows of sandbox.budget_plan WHERE team = 'ads'",
      ['sandbox.budget_plan: changes 8 rows'],
    ],
    [
      'DELETE FROM sandbox.budget_plan',
      'Delete every row from sandbox.budget_plan',
      ['sandbox.budget_plan: deletes 24 rows'],
    ],
    [
      'CREATE TABLE sandbox.copy AS SELECT * FROM region',
      'Create the table sandbox.copy from a query',
      ['sandbox.copy: is created with 5 rows', 'reads tpch.region'],
    ],
    [
      'DROP TABLE sandbox.budget_plan',
      'Drop the table sandbox.budget_plan with all its rows',
      ['sandbox.budget_plan: is dropped, with 24 rows'],
    ],
  ])('says what it will do: %s', async (sql, summary, touches) => {
    verifies('SRV-P.4')
    const guard = new SqlGuard(world.backend.defaults)
    const ctx = contextOf()
    expect(summaryOf(guard.read(sql))).toBe(summary)
    const checked = await new TableAccess(world.backend, guard).write(sql, ctx)
    expect(await touchesOf(checked, world.backend, ctx)).toEqual(touches)
  })

  it('makes, fills, changes and drops a table of its own', async () => {
    const tools = new PrestoTools(world.backend, DEFAULT_LIMITS)
    const ctx = contextOf()
    const execute = async (sql: string) => (await tools.executeStatement({ sql }, ctx)).structured.rows_changed
    await execute('CREATE TABLE sandbox.notes (id integer NOT NULL, text varchar)')
    expect(await execute("INSERT INTO sandbox.notes VALUES (1, 'a'), (2, 'b')")).toBe(2)
    expect(await execute('UPDATE sandbox.notes SET id = id + 10 WHERE id = 2')).toBe(1)
    const merge = `MERGE INTO sandbox.notes AS n USING (VALUES (1, 'z'), (3, 'c')) AS s(id, text) ON n.id = s.id
      WHEN MATCHED THEN UPDATE SET text = s.text WHEN NOT MATCHED THEN INSERT (id, text) VALUES (s.id, s.text)`
    expect(await execute(merge)).toBe(2)
    expect(await rowsOf(world.backend, 'SELECT id, text FROM sandbox.notes ORDER BY id')).toEqual([
      [1, 'z'],
      [3, 'c'],
      [12, 'b'],
    ])
    const { structured } = await tools.searchTables({ words: 'notes', limit: 5 }, ctx)
    expect(structured.tables[0]?.name).toBe('hive.sandbox.notes')
    await execute('DROP TABLE sandbox.notes')
    expect(await codeOf(tools.describeTable({ table: 'sandbox.notes', sample_rows: 0 }, ctx))).toBe('table_not_found')
    expect(await codeOf(execute('SELECT 1'))).toBe('not_a_write')
    await tools.close()
  })
})
