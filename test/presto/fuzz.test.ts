import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SqlGuard } from '../../companion/servers/presto/src/sql/guard.ts'
import { parseStatement } from '../../companion/servers/presto/src/sql/parser.ts'
import { SqlError } from '../../companion/servers/presto/src/sql/sql-error.ts'
import type { Statement } from '../../companion/servers/presto/src/sql/statement.ts'
import { verifies } from '../requirements.ts'
import { STATEMENTS } from './statements.ts'
import { fingerprint, openWorld, type World } from './world.ts'

const guard = new SqlGuard({ catalog: 'hive', schema: 'tpch' })
/** Pieces that statements are made of, and that tricks are made of. */
const PIECES = STATEMENTS.flatMap(([sql]) => sql.match(/"[^"]*"|'[^']*'|\w+|\S/g) ?? [])
const piece = fc.oneof(
  fc.constantFrom(...PIECES),
  fc.constantFrom("'", '"', '--', '/*', '*/', ';', '$$', "E'", '\\', '\u0000', '\u212A', '\u202E', '`', '::', '{', '?'),
)

function readOrRefused(sql: string): Statement | SqlError {
  try {
    return guard.read(sql)
  } catch (error) {
    if (error instanceof SqlError) return error
    throw error
  }
}

/** A known statement with some of its pieces removed, doubled, swapped, or replaced. */
const mutated = fc
  .record({
    sql: fc.constantFrom(...STATEMENTS.map(([sql]) => sql)),
    edits: fc.array(fc.tuple(fc.nat(30), fc.constantFrom('drop', 'double', 'replace', 'insert'), piece), {
      minLength: 1,
      maxLength: 4,
    }),
  })
  .map(({ sql, edits }) => {
    const parts: string[] = sql.match(/"[^"]*"|'[^']*'|\w+|\s+|\S/g) ?? []
    for (const [place, edit, text] of edits) {
      const at = place % (parts.length + 1)
      if (edit === 'drop') parts.splice(at, 1)
      else if (edit === 'double') parts.splice(at, 0, parts[at] ?? '')
      else if (edit === 'replace') parts.splice(at, 1, text)
      else parts.splice(at, 0, ` ${text} `)
    }
    return parts.join('')
  })

let world: World
beforeAll(async () => {
  guard.warmUp()
  world = await openWorld()
}, 120_000)
afterAll(() => world.stop())

describe('whatever text arrives', () => {
  it('is either one statement that parses or refused with a code', () => {
    verifies('SRV-P.2')
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(piece, { maxLength: 20 }).map((parts) => parts.join(' ')),
          mutated,
        ),
        (sql) => {
          const result = readOrRefused(sql)
          if (result instanceof SqlError) {
            expect(result.code).toMatch(/^sql_(empty|syntax|many_statements|too_long|too_complex)$/)
            return
          }
          parseStatement(sql)
          // What is made for the engine is one statement again, of the same kind, and touches the same.
          const again = guard.read(result.text)
          if (result.refused.length > 0 || result.kind === 'other' || result.kind === 'metadata') return
          expect({ ...again, text: '', query: '', where: '' }).toEqual({ ...result, text: '', query: '', where: '' })
        },
      ),
      { numRuns: 400 },
    )
  }, 120_000)

  it('changes nothing when it is classed a read, even without the read-only transaction', async () => {
    verifies('SRV-P.2')
    const before = await fingerprint(world.backend)
    let run = 0
    await fc.assert(
      fc.asyncProperty(mutated, async (sql) => {
        const result = readOrRefused(sql)
        if (result instanceof SqlError || !result.readOnly) return
        run++
        const limit = AbortSignal.timeout(2_000)
        // `execute` would commit whatever it is given.
        await world.backend.execute(result.text, undefined, limit).catch(() => undefined)
      }),
      { numRuns: 600 },
    )
    expect(run).toBeGreaterThan(10)
    expect(await fingerprint(world.backend)).toBe(before)
  }, 180_000)

  it('cannot change anything in the transaction that queries run in, even when it is a write', async () => {
    verifies('SRV-P.2')
    const before = await fingerprint(world.backend)
    for (const [sql, verdict] of STATEMENTS) {
      if (verdict.is !== 'write') continue
      const { text } = guard.read(sql)
      await expect(world.backend.query(text, new AbortController().signal)).rejects.toThrow()
    }
    expect(await fingerprint(world.backend)).toBe(before)
  }, 60_000)
})
