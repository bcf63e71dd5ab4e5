import { performance } from 'node:perf_hooks'
import { beforeAll, describe, expect, it } from 'vitest'
import { SqlGuard } from '../../companion/servers/presto/src/sql/guard.ts'
import { resourceName } from '../../companion/servers/presto/src/sql/names.ts'
import { SqlError } from '../../companion/servers/presto/src/sql/sql-error.ts'
import { verifies } from '../requirements.ts'
import { STATEMENTS } from './statements.ts'

const guard = new SqlGuard({ catalog: 'hive', schema: 'tpch' })

function errorOf(sql: string): SqlError {
  try {
    guard.read(sql)
  } catch (error) {
    if (error instanceof SqlError) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('the SQL guard', () => {
  beforeAll(() => guard.warmUp())

  it.each(STATEMENTS)('%s', (sql, verdict) => {
    verifies('SRV-P.2')
    if (verdict.is === 'refused') {
      expect(errorOf(sql).code).toBe(verdict.code)
      return
    }
    const statement = guard.read(sql)
    expect(statement.readOnly).toBe(verdict.is === 'read')
    if (verdict.is === 'neither') {
      expect(statement.why).not.toBe('')
      return
    }
    expect(statement.refused).toEqual([])
    expect(statement.reads.map(resourceName).sort()).toEqual([...(verdict.reads ?? [])].sort())
    if (verdict.is === 'write') {
      expect(statement.kind).toBe(verdict.kind)
      expect(statement.writes.map(resourceName)).toEqual(verdict.writes)
    }
  })

  it('says where a statement is broken', () => {
    const error = errorOf('SELECT a,\n  FROM orders')
    expect(error.code).toBe('sql_syntax')
    expect(error.at?.line).toBe(2)
    expect(error.message).toMatch(/^line 2, column \d+: /)
    expect(errorOf('SELECT 1 +').message).toContain('ends too early')
  })

  it('refuses a statement of a megabyte at once', () => {
    const started = performance.now()
    expect(errorOf(`SELECT '${'x'.repeat(1024 * 1024)}'`).code).toBe('sql_too_long')
    expect(performance.now() - started).toBeLessThan(50)
  })

  it.each([
    ['brackets', `SELECT ${'('.repeat(500)}1${')'.repeat(500)}`],
    ['calls', `SELECT ${'abs('.repeat(500)}1${')'.repeat(500)}`],
    ['cases', `SELECT ${'CASE WHEN 1 THEN '.repeat(200)}1${' END'.repeat(200)}`],
    ['signs', `SELECT ${'- '.repeat(7000)}1`],
    ['negations', `SELECT ${'NOT '.repeat(7000)}true`],
    ['words', `SELECT ${'a,'.repeat(9000)}a`],
    ['explains', `${'EXPLAIN '.repeat(3000)}SELECT 1`],
  ])('refuses what is too complex: %s', (_name, sql) => {
    expect(errorOf(sql).code).toBe('sql_too_complex')
  })

  it('gives the engine the tokens alone: no comments, full table names, no two tokens joined', () => {
    const { text } = guard.read("SELECT E'\\'/**/ , 1 -- '\nFROM orders o /* , ads.campaigns */")
    expect(text).toBe(`SELECT E '\\' , 1 FROM "hive"."tpch"."orders" o`)
  })

  it('does not take look-alike letters for others', () => {
    const { reads } = guard.read('SELECT * FROM "\u212Aorders"')
    expect(reads[0]?.table).toBe('\u212Aorders')
  })

  it('parses a usual statement in milliseconds once it is warm', () => {
    const times = Array.from({ length: 20 }, (_, index) => {
      const started = performance.now()
      guard.read(
        `SELECT o_custkey, count(*) FROM orders WHERE o_orderkey > ${index} GROUP BY 1 ORDER BY 2 DESC LIMIT 10`,
      )
      return performance.now() - started
    }).sort((a, b) => a - b)
    expect(times[10]).toBeLessThan(100)
  })
})
