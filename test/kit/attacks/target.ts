import { defineTool, form, type ServerDefinition } from '@gatehouse/kit'
import pg from 'pg'
import { z } from 'zod'

const DESCRIPTION = 'Keeps a line in a table'
const writes = { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false }

/** What the attacks aim at: a table in PostgreSQL. */
export interface Target {
  /** A server whose tools write to the table. Another description makes it another surface. */
  server(description?: string): ServerDefinition
  /** Changes when anything in the table does. */
  rows(): Promise<{ readonly count: number; readonly digest: string }>
  /** Runs `work` while nothing can use up a receipt. */
  withLedgerLocked(work: () => Promise<void>): Promise<void>
  stop(): Promise<void>
}

export async function createTarget(databaseUrl: string): Promise<Target> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 })
  await pool.query('CREATE TABLE kept (seq bigserial PRIMARY KEY, line text, copies float8, value text)')

  const keep = (description: string) =>
    defineTool({
      name: 'keep',
      title: 'Keep',
      description,
      input: z.strictObject({
        line: z.string(),
        copies: z.number().default(1),
        value: z.unknown().optional(),
      }),
      output: z.strictObject({ seq: z.string() }),
      effect: 'write',
      annotations: writes,
      minutesSaved: 1,
      policy: { groups: ['ads'] },
      async run({ line, copies, value }) {
        const kept = await pool.query<{ seq: string }>(
          'INSERT INTO kept (line, copies, value) VALUES ($1, $2, $3) RETURNING seq',
          [
            line.replaceAll('\0', ''),
            copies,
            value === undefined ? null : JSON.stringify(value).replaceAll('\\u0000', ''),
          ],
        )
        return { structured: { seq: `kept as ${kept.rows[0]?.seq}` }, text: 'kept' }
      },
    })
  const clear = defineTool({
    name: 'clear',
    title: 'Clear',
    description: 'Empties the table',
    input: z.strictObject({}),
    output: z.strictObject({}),
    effect: 'write',
    annotations: writes,
    minutesSaved: 1,
    policy: { groups: ['ads'] },
    async run() {
      await pool.query('DELETE FROM kept')
      return { structured: {}, text: 'cleared' }
    },
  })

  const ask = (name: string) =>
    defineTool({
      name,
      title: 'Ask',
      description: 'Asks a question',
      input: z.strictObject({ line: z.string(), loud: z.boolean().default(false) }),
      output: z.strictObject({ sure: z.boolean() }),
      effect: 'read',
      annotations: { ...writes, readOnlyHint: true, destructiveHint: false },
      minutesSaved: 1,
      policy: {},
      async run(_args, ctx) {
        const answer = await ctx.elicit('confirmed', form('Are you sure?', z.object({ sure: z.boolean() })))
        return { structured: { sure: answer.action === 'accept' && answer.content.sure }, text: 'answered' }
      },
    })

  return {
    server(description = DESCRIPTION) {
      const tools = [keep(description), clear, ask('ask'), ask('ask_twice')]
      return {
        id: 'target',
        title: 'Target',
        version: '1.0.0',
        toolsClass: tools,
        start: async () => ({ tools, dispose: async () => undefined }),
      }
    },
    async rows() {
      const { rows } = await pool.query<{ count: number; digest: string }>(
        "SELECT count(*)::int AS count, md5(coalesce(string_agg(kept::text, '|' ORDER BY seq), '')) AS digest FROM kept",
      )
      return rows[0] ?? { count: -1, digest: '' }
    },
    async withLedgerLocked(work) {
      const client = await pool.connect()
      try {
        await client.query('BEGIN; LOCK TABLE target.gatehouse_receipt IN ACCESS EXCLUSIVE MODE')
        await work()
      } finally {
        await client.query('ROLLBACK')
        client.release()
      }
    },
    stop: () => pool.end(),
  }
}
