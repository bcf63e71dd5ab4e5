import type { Attack, Control } from '../attack.ts'

const mismatch = { code: 'approval_mismatch' }
const line = (approved: string, sent: string) => ({ approved: `{"line":"${approved}"}`, sent: `{"line":"${sent}"}` })

/** Text that a person, or a careless comparison, takes for the approved one. */
export const TEXT: readonly Attack[] = [
  { id: 'decomposed where it was composed', ...line('caf\u00e9', 'cafe\u0301'), refused: mismatch },
  { id: 'composed where it was decomposed', ...line('cafe\u0301', 'caf\u00e9'), refused: mismatch },
  { id: 'compatibility form', ...line('file', '\ufb01le'), refused: mismatch },
  { id: 'full-width letters', ...line('one', '\uff4fne'), refused: mismatch },
  { id: 'a Cyrillic letter', ...line('one', '\u043ene'), refused: mismatch },
  { id: 'a Kelvin sign', ...line('K', '\u212a'), refused: mismatch },
  { id: 'a dotless i', ...line('id', '\u0131d'), refused: mismatch },
  { id: 'sharp s for ss', ...line('strasse', 'stra\u00dfe'), refused: mismatch },
  { id: 'a zero-width space', ...line('one', 'o\u200bne'), refused: mismatch },
  { id: 'a zero-width joiner', ...line('one', 'o\u200dne'), refused: mismatch },
  { id: 'a soft hyphen', ...line('one', 'o\u00adne'), refused: mismatch },
  { id: 'a byte order mark inside', ...line('one', '\ufeffone'), refused: mismatch },
  { id: 'a right-to-left override', ...line('one', '\u202eeno'), refused: mismatch },
  { id: 'a tag character', ...line('one', 'one\u{e0041}'), refused: mismatch },
  { id: 'a variation selector', ...line('one', 'one\ufe0f'), refused: mismatch },
  { id: 'a no-break space', ...line('one two', 'one\u00a0two'), refused: mismatch },
  { id: 'a typographic quote', ...line("it's", 'it\u2019s'), refused: mismatch },
  { id: 'an escape written twice', ...line(String.raw`\u0041`, String.raw`\\u0041`), refused: mismatch },
  { id: 'a replacement character for a surrogate', ...line('\u{1f600}', '\ufffd'), refused: mismatch },
  {
    id: 'a lone high surrogate',
    ...line('one', String.raw`one\ud800`),
    refused: { status: 400, code: 'json_lone_surrogate' },
  },
  {
    id: 'a lone low surrogate',
    ...line('one', String.raw`one\udc00`),
    refused: { status: 400, code: 'json_lone_surrogate' },
  },
  {
    id: 'a pair the wrong way round',
    ...line('one', String.raw`\udc00\ud800`),
    refused: { status: 400, code: 'json_lone_surrogate' },
  },
  {
    id: 'a lone surrogate in a key',
    approved: '{"line":"one","value":{"a":1}}',
    sent: String.raw`{"line":"one","value":{"a\ud800":1}}`,
    refused: { status: 400, code: 'json_lone_surrogate' },
  },
]

/** An escape and what it stands for are one text. */
export const SAME_TEXT: readonly Control[] = [
  { id: 'a letter as an escape', ...line('A', String.raw`\u0041`) },
  { id: 'a slash with a backslash', ...line('a/b', String.raw`a\/b`) },
  { id: 'a pair as two escapes', ...line('\u{1f600}', String.raw`\ud83d\ude00`) },
  { id: 'hexadecimal in capitals', ...line('\u00e9', String.raw`\u00E9`) },
  { id: 'an escaped key', approved: '{"line":"one"}', sent: String.raw`{"\u006cine":"one"}` },
]
