import type { Attack, Control } from '../attack.ts'

const mismatch = { code: 'approval_mismatch' }
const COLUMNS = 'INSERT INTO sandbox.budget_plan (quarter, team, category, planned_amount, note)'
const APPROVED = `${COLUMNS} VALUES ('2026Q4', 'ads', 'tools', 1, 'approved')`
const tool = 'execute_statement' as const

function statement(sql: string) {
  return { tool, approved: JSON.stringify({ sql: APPROVED }), sent: JSON.stringify({ sql }), refused: mismatch }
}
const replaced = (from: string, to: string) => statement(APPROVED.replace(from, to))
const claims = (changed: NonNullable<Attack['claims']>) => ({ tool, claims: changed })

/** Against a real tool over a real engine: statements that do something else than the approved one. */
export const STATEMENTS: readonly Attack[] = [
  { id: 'another amount', ...replaced(', 1,', ', 1000000,') },
  { id: 'another team', ...replaced("'ads'", "'finance'") },
  { id: 'another statement', ...statement('DELETE FROM sandbox.budget_plan') },
  { id: 'every row', ...statement("UPDATE sandbox.budget_plan SET planned_amount = 0 WHERE '1' = '1'") },
  { id: 'two rows', ...statement(`${APPROVED}, ('2026Q4', 'ads', 'tools', 2, 'slipped in')`) },
  { id: 'rows from a query', ...statement(`${COLUMNS} SELECT * FROM sandbox.budget_plan`) },
  { id: 'a comment at the end', ...statement(`${APPROVED} -- reviewed`) },
  { id: 'a comment inside', ...replaced('VALUES', 'VALUES/**/') },
  { id: 'a space more', ...replaced('VALUES', 'VALUES ') },
  { id: 'another case', ...replaced('INSERT', 'insert') },
  { id: 'the catalog before the table', ...replaced('sandbox.', 'hive.sandbox.') },
  { id: 'a quoted name', ...replaced('budget_plan', '"budget_plan"') },
  { id: 'a look-alike in a value', ...replaced("'ads'", "'\u0430ds'") },
  { id: 'a zero-width space in a value', ...replaced("'ads'", "'a\u200bds'") },
  { id: 'a typographic quote', ...replaced("'approved'", "'approved\u2019'") },
  { id: 'a number as text', ...replaced(', 1,', ", '1',") },
  {
    id: 'a second statement',
    ...statement(`${APPROVED}; DELETE FROM sandbox.budget_plan`),
    refused: mismatch,
  },
  {
    id: 'a field too many',
    ...statement(APPROVED),
    sent: JSON.stringify({ sql: APPROVED, limit: 1 }),
    refused: { code: 'invalid_arguments' },
  },
  {
    id: 'the statement twice',
    ...statement(APPROVED),
    sent: `{"sql":${JSON.stringify(APPROVED)},"sql":"DELETE FROM sandbox.budget_plan"}`,
    refused: { status: 400, code: 'json_duplicate_key' },
  },
  { id: 'with a receipt for another server', ...claims({ aud: { of: 'other server' } }), refused: mismatch },
  { id: 'with a receipt for reading', ...claims({ tool: 'run_query' }), refused: mismatch },
  { id: 'with a receipt of another person', ...claims({ sub: 'finn' }), refused: mismatch },
  {
    id: 'with a receipt for an older tool',
    ...claims({ tool_digest: { of: 'other tool digest' } }),
    refused: mismatch,
  },
  {
    id: 'with an old receipt',
    ...claims({ iat: { now: -400 }, exp: { now: -100 } }),
    refused: { code: 'approval_expired' },
  },
  { id: 'with a receipt for a day', ...claims({ exp: { now: 86_400 } }), refused: { code: 'approval_invalid' } },
  {
    id: 'with a receipt by another device',
    tool,
    signed: 'another device',
    jwk: 'another device',
    refused: { code: 'approval_invalid' },
  },
  {
    id: 'with a receipt that nobody signed',
    tool,
    header: { alg: 'none' },
    signed: 'nothing',
    refused: { code: 'approval_invalid' },
  },
  {
    id: 'with HS256 and the public key',
    tool,
    header: { alg: 'HS256' },
    signed: 'public key as secret',
    refused: { code: 'approval_invalid' },
  },
  { id: 'without a receipt', tool, meta: '', refused: { code: 'approval_required' } },
  {
    id: 'with the word of a person',
    tool,
    meta: '"dev.gatehouse/approval":"approved by ada"',
    refused: { code: 'approval_invalid' },
  },
  {
    id: 'by a client without a device key',
    tool,
    sender: 'ada through a bearer client',
    refused: { code: 'approval_required' },
  },
  {
    id: 'by another device of the same person',
    tool,
    sender: 'ada on another device',
    refused: { code: 'approval_invalid' },
  },
  { id: 'by another person on the same device', tool, sender: 'finn on the device of ada', refused: mismatch },
  { id: 'a replay', tool, meanwhile: 'used', refused: { code: 'approval_replayed' } },
  {
    id: 'a replay with another signature',
    tool,
    meanwhile: 'used',
    signed: 'malleated',
    refused: { code: 'approval_replayed' },
  },
  {
    id: 'a replay with another statement',
    tool,
    meanwhile: 'used',
    sent: JSON.stringify({ sql: 'DELETE FROM sandbox.budget_plan' }),
    refused: mismatch,
  },
]

/** The text of the statement is what was approved, however JSON spells it. */
export const SAME_STATEMENTS: readonly Control[] = [
  {
    id: 'a letter as an escape',
    tool,
    approved: JSON.stringify({ sql: APPROVED }),
    sent: JSON.stringify({ sql: APPROVED }).replace('INSERT', String.raw`\u0049NSERT`),
  },
]
