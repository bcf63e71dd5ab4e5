import { analyse } from './analyse.ts'
import type { NameDefaults } from './names.ts'
import { SQL_LIMITS } from './parser.ts'
import type { Statement } from './statement.ts'

/** The hooks and the run of one call each look at the same text. */
const REMEMBERED = 64

/** Reads statements for one engine; remembers the last few. */
export class SqlGuard {
  readonly #defaults: NameDefaults
  readonly #remembered = new Map<string, Statement>()

  constructor(defaults: NameDefaults) {
    this.#defaults = defaults
  }

  /** @throws SqlError when it is not one well-formed statement */
  read(sql: string): Statement {
    const known = this.#remembered.get(sql)
    if (known) return known
    const statement = analyse(sql, this.#defaults)
    if (sql.length <= SQL_LIMITS.length) this.#remembered.set(sql, statement)
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= REMEMBERED) break
      this.#remembered.delete(oldest)
    }
    return statement
  }

  /** ANTLR builds its decision tables on first use, which takes a few hundred milliseconds; here that is nobody's call. */
  warmUp(): void {
    for (const sql of WARM_UP) analyse(sql, this.#defaults)
  }
}

const WARM_UP = [
  `WITH a AS (SELECT x, count(*) AS n FROM s.t WHERE y BETWEEN 1 AND 2 OR z LIKE 'a%' GROUP BY 1 HAVING count(*) > 1)
   SELECT a.*, sum(n) OVER (PARTITION BY x ORDER BY n DESC), CASE WHEN n > 1 THEN 'b' ELSE CAST(n AS varchar) END
   FROM a LEFT JOIN s.u AS u ON a.x = u.x AND u.d >= DATE '2026-01-01' - INTERVAL '1' DAY
   WHERE a.x IN (SELECT x FROM s.v) AND NOT EXISTS (SELECT 1 FROM s.w) AND -n * 2 IS NOT NULL ORDER BY 2 DESC NULLS LAST LIMIT 10`,
  'SELECT a FROM t UNION ALL (VALUES (1), (2))',
  "INSERT INTO s.t (a, b) VALUES (1, 'x')",
  'UPDATE s.t SET a = a + 1 WHERE b = 2',
  'DELETE FROM s.t WHERE b = 2',
]
