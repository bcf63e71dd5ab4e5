import type { Attack } from './attack.ts'

const MISMATCH = { code: 'header_mismatch' }

/** A name that a person would take for `search`: there is no such tool. The header says it as the era has it for what is not ASCII. */
const looksLike = (id: string, name: string): Attack => ({
  id,
  name,
  said: { name: `=?base64?${Buffer.from(name).toString('base64')}?=` },
  refused: { code: 'unknown_tool' },
})

export const BODIES: readonly Attack[] = [
  { id: 'another tool than Mcp-Name says', name: 'ads_report', said: { name: 'search' }, refused: MISMATCH },
  { id: 'a write under the name of a read', name: 'rebuild', said: { name: 'search' }, refused: MISMATCH },
  {
    id: 'a tool that is denied under the name of one that is not',
    name: 'ledger',
    said: { name: 'search' },
    refused: MISMATCH,
  },
  { id: 'another method than Mcp-Method says', said: { method: 'tools/list' }, refused: MISMATCH },
  { id: 'a method in another case', said: { method: 'TOOLS/CALL' }, refused: MISMATCH },
  { id: 'Mcp-Name twice', headers: ['Mcp-Name: ledger'], refused: MISMATCH },
  { id: 'Mcp-Method twice', headers: ['Mcp-Method: tools/list'], refused: MISMATCH },
  { id: 'Mcp-Name in base64 of another', said: { name: '=?base64?bGVkZ2Vy?=' }, refused: MISMATCH },
  { id: 'a batch', body: '[{body}]', refused: { code: 'batch_refused' } },
  { id: 'a batch of two', body: '[{body},{body}]', refused: { code: 'batch_refused' } },
  { id: 'an empty batch', body: '[]', refused: { code: 'batch_refused' } },
  {
    id: 'a name twice in the body',
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ledger","name":"search","arguments":{}}}',
    refused: { code: 'json_duplicate_key' },
  },
  {
    id: 'a method twice in the body',
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{"name":"search"}}',
    refused: { code: 'json_duplicate_key' },
  },
  { id: 'a body that is no JSON', body: '{body}}', refused: { code: 'json_syntax' } },
  looksLike('a name in full width', 'ｓｅａｒｃｈ'),
  looksLike('a name with a long s', 'ſearch'),
  looksLike('a name with a ligature', 'ﬆore'),
  looksLike('a name with a Cyrillic letter', 'seаrch'),
  looksLike('a name with a Greek letter', 'seαrch'),
  looksLike('a name with a zero-width space', 'sea\u200brch'),
  looksLike('a name with a zero-width joiner', 'search\u200d'),
  looksLike('a name with a soft hyphen', 'sea\u00adrch'),
  looksLike('a name with a direction mark', '\u202esearch'),
  looksLike('a name with a combining mark', 'searc\u0323h'),
  looksLike('a name with a space after it', 'search '),
  looksLike('a name with a NUL after it', 'search\0'),
  looksLike('a name in capitals', 'SEARCH'),
  looksLike('a name with its server', 'presto/search'),
  looksLike('a name that every object has', '__proto__'),
  looksLike('a name that every object has too', 'constructor'),
]
