import { performance } from 'node:perf_hooks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Queries } from '../../companion/servers/presto/src/results/queries.ts'
import { DEFAULT_LIMITS } from '../../companion/servers/presto/src/tools/limits.ts'
import { PrestoTools } from '../../companion/servers/presto/src/tools/presto-tools.ts'
import { verifies } from '../requirements.ts'
import { codeOf, contextOf, FINN, openWorld, rowsOf, type World } from './world.ts'

const ENDLESS = 'SELECT count(*) FROM lineitem a, lineitem b, lineitem c WHERE a.l_tax + b.l_tax <> c.l_tax'
const run = (sql: string, page_rows = 100, wait_seconds = 20) => ({ sql, page_rows, wait_seconds })

let world: World
let tools: PrestoTools

beforeAll(async () => {
  world = await openWorld()
  tools = new PrestoTools(world.backend, DEFAULT_LIMITS)
}, 120_000)

afterAll(async () => {
  await tools.close()
  await world.stop()
})

describe('run_query', () => {
  it('returns exact values: big integers and decimals as strings, dates in ISO 8601', async () => {
    const { structured } = await tools.runQuery(
      run(
        "SELECT 9007199254740993 AS big, CAST('12345678901234567890.12' AS decimal(38,2)) AS money, DATE '2026-02-03' AS day, TIMESTAMP '2026-02-03 04:05:06.5' AS at, CAST(7 AS integer) AS small, true AS yes, NULL AS nothing, 1.5e0 AS real, 7 / 2 AS half",
      ),
      contextOf(),
    )
    expect(structured.rows).toEqual([
      ['9007199254740993', '12345678901234567890.12', '2026-02-03', '2026-02-03T04:05:06.5', 7, true, null, 1.5, 3],
    ])
    expect(structured.columns.map(({ name }) => name)).toEqual([
      'big',
      'money',
      'day',
      'at',
      'small',
      'yes',
      'nothing',
      'real',
      'half',
    ])
    expect(structured).toMatchObject({ untrusted: true, state: 'finished', limit_hit: null, next_offset: null })
  })

  it('pages through every row once, and no page is too large for a chat', async () => {
    verifies('SRV-P.3')
    const ctx = contextOf()
    const first = await tools.runQuery(run('SELECT * FROM customer ORDER BY c_custkey', 500), ctx)
    const keys: unknown[] = []
    let page = first
    for (;;) {
      expect(Buffer.byteLength(JSON.stringify(page.structured)) + Buffer.byteLength(page.text)).toBeLessThan(60_000)
      keys.push(...page.structured.rows.map(([key]) => key))
      const { next_offset } = page.structured
      if (next_offset === null) break
      page = await tools.fetchRows({ query_id: first.structured.query_id, offset: next_offset, page_rows: 500 }, ctx)
    }
    expect(keys).toEqual(Array.from({ length: 1500 }, (_, index) => String(index + 1)))
  })

  it('stops at the row limit and says so', async () => {
    verifies('SRV-P.3')
    const { structured, text } = await tools.runQuery(run('SELECT l_orderkey FROM lineitem'), contextOf())
    expect(structured).toMatchObject({ row_count: 10_000, limit_hit: 'rows' })
    expect(text).toContain('rows limit')
  })

  it('stops at the byte limit and the time limit', async () => {
    verifies('SRV-P.3')
    const small = new PrestoTools(world.backend, {
      workRows: Infinity,
      query: { rows: 1000, bytes: 2_000, milliseconds: 700 },
    })
    const { structured } = await small.runQuery(run("SELECT repeat('x', 300) FROM orders"), contextOf())
    expect(structured).toMatchObject({ limit_hit: 'bytes', row_count: 6 })
    const started = performance.now()
    expect(await codeOf(small.runQuery(run(ENDLESS), contextOf()))).toBe('time_limit')
    expect(performance.now() - started).toBeLessThan(4_000)
    await small.close()
  })

  it('shows a long value cut', async () => {
    const { structured } = await tools.runQuery(run("SELECT repeat('x', 100000) AS long"), contextOf())
    expect(structured.rows[0]?.[0]).toMatch(/^x{2000}… \(100000 characters\)$/)
  })

  it('refuses changes and names the tool for them', async () => {
    const error: unknown = await tools
      .runQuery(run('DELETE FROM sandbox.budget_plan'), contextOf())
      .catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'not_read_only', next: expect.stringContaining('execute_statement') as string })
  })

  it.each([
    ['SELECT nope FROM orders', 'query_invalid'],
    ['SELECT * FROM nowhere', 'table_not_found'],
    ["SELECT CAST('x' AS integer)", 'query_failed'],
    ['SHOW TABLES', 'metadata_statement'],
    ['', 'sql_empty'],
  ])('tells what is wrong: %s', async (sql, code) => {
    expect(await codeOf(tools.runQuery(run(sql), contextOf()))).toBe(code)
  })
})

describe('an expensive query', () => {
  it('is told from a cheap one by the estimate of the engine', async () => {
    const cheap = await tools.explainQuery({ sql: 'SELECT count(*) FROM lineitem' }, contextOf())
    const dear = await tools.explainQuery({ sql: ENDLESS }, contextOf())
    expect(cheap.structured.effect).toBe('read')
    expect(dear.structured.effect).toBe('expensive')
    expect(dear.structured.would_hit[0]).toContain('needs an approval')
    expect(dear.structured.work_rows).toBeGreaterThan(1e12)
  })
})

describe('a running query', () => {
  it('goes on after the wait, tells its state, and is stopped within a second', async () => {
    verifies('SRV-P.3')
    const ctx = contextOf()
    const { structured } = await tools.runQuery(run(ENDLESS, 100, 0.2), ctx)
    expect(structured.state).toBe('running')
    const { query_id } = structured
    expect((await tools.queryStatus({ query_id }, ctx)).structured.state).toBe('running')
    const started = performance.now()
    const { structured: stopped } = await tools.cancelQuery({ query_id }, ctx)
    expect(performance.now() - started).toBeLessThan(1_000)
    expect(stopped).toMatchObject({ state: 'cancelled', error_code: 'query_cancelled' })
  })

  it('is stopped in the engine when its caller gives up', async () => {
    verifies('SRV-P.3')
    const gone = new AbortController()
    setTimeout(() => gone.abort(), 300)
    const started = performance.now()
    expect(await codeOf(tools.runQuery(run(ENDLESS), contextOf({ signal: gone.signal })))).toBe('query_cancelled')
    expect(performance.now() - started).toBeLessThan(1_300)
    // Its place is free again: the engine has let go.
    expect(await rowsOf(world.backend, 'SELECT 1')).toEqual([[1]])
  })

  it('reports progress with its id', async () => {
    const messages: string[] = []
    const gone = new AbortController()
    setTimeout(() => gone.abort(), 1_500)
    const ctx = contextOf({ signal: gone.signal, progress: ({ message }) => messages.push(message ?? '') })
    await codeOf(tools.runQuery(run(ENDLESS), ctx))
    expect(messages[0]).toMatch(/^Query q_[0-9a-f]{32}: 0 rows after \d s/)
  })
})

describe('a result handle', () => {
  it('is of no use to anybody else', async () => {
    verifies('SRV-P.3')
    const { structured } = await tools.runQuery(run('SELECT * FROM ads.campaigns'), contextOf())
    const { query_id } = structured
    const unknown = `q_${'0'.repeat(32)}`
    const refusal = async (id: string) =>
      tools
        .fetchRows({ query_id: id, offset: 0, page_rows: 10 }, contextOf(FINN))
        .catch((error: Error) => error.message)
    expect(await refusal(query_id)).toBe(await refusal(unknown))
    expect(await codeOf(tools.queryStatus({ query_id }, contextOf(FINN)))).toBe('query_unknown')
    expect(await codeOf(tools.cancelQuery({ query_id }, contextOf(FINN)))).toBe('query_unknown')
  })

  it('is kept for a while, and only so many of them', async () => {
    let now = 1_000
    const queries = new Queries({
      backend: world.backend,
      limits: DEFAULT_LIMITS.query,
      perSubject: 2,
      age: 100,
      now: () => now,
    })
    const started: string[] = []
    for (let count = 0; count < 3; count++) {
      const query = queries.start('ada', 'SELECT 1')
      await query.ended
      started.push(query.id)
    }
    expect(() => queries.find('ada', started[0] ?? '')).toThrow()
    expect(queries.find('ada', started[2] ?? '').rows).toEqual([[1]])
    now += 101
    expect(() => queries.find('ada', started[2] ?? '')).toThrow()
    await queries.close()
  })

  it('is refused when all that may run are running', async () => {
    const queries = new Queries({ backend: world.backend, limits: DEFAULT_LIMITS.query, perSubject: 1 })
    const sql = ENDLESS.replaceAll('lineitem', 'hive.tpch.lineitem')
    queries.start('ada', sql)
    expect(() => queries.start('ada', sql)).toThrow('still running')
    await queries.close()
  })
})
