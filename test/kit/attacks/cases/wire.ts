import type { Attack, Control } from '../attack.ts'

const twice = { status: 400, code: 'json_duplicate_key' }
const syntax = { status: 400, code: 'json_syntax' }
const sent = (text: string) => ({ approved: '{"line":"one","value":{"a":1}}', sent: text })

/** What a reader that is less strict than the next would take for something else. */
export const WIRE: readonly Attack[] = [
  {
    id: 'an argument twice, the approved one first',
    ...sent('{"line":"one","line":"two","value":{"a":1}}'),
    refused: twice,
  },
  {
    id: 'an argument twice, the approved one last',
    ...sent('{"line":"two","line":"one","value":{"a":1}}'),
    refused: twice,
  },
  { id: 'an argument twice with equal values', ...sent('{"line":"one","line":"one","value":{"a":1}}'), refused: twice },
  {
    id: 'an argument twice, once escaped',
    ...sent(String.raw`{"line":"one","l\u0069ne":"two","value":{"a":1}}`),
    refused: twice,
  },
  { id: 'a deep key twice', ...sent('{"line":"one","value":{"a":1,"a":2}}'), refused: twice },
  { id: 'a key twice in a list', ...sent('{"line":"one","value":[{"a":1,"a":2}]}'), refused: twice },
  {
    id: 'the arguments twice',
    params: '"name":"keep","arguments":{args},"arguments":{"line":"two"},"_meta":{meta}',
    refused: twice,
  },
  { id: 'the name twice', params: '"name":"keep","name":"clear","arguments":{args},"_meta":{meta}', refused: twice },
  {
    id: 'the metadata twice',
    params: '"name":"keep","arguments":{args},"_meta":{meta},"_meta":{meta}',
    refused: twice,
  },
  { id: 'the parameters twice', message: '"params":{"name":"clear","arguments":{}}', refused: twice },
  { id: 'the method twice', message: '"method":"tools/list"', refused: twice },
  {
    id: 'a key named __proto__',
    ...sent('{"line":"one","value":{"a":1,"__proto__":{"b":2}}}'),
    refused: { status: 400, code: 'json_key' },
  },
  {
    id: 'a key named __proto__ at the top',
    ...sent('{"__proto__":{"copies":9},"line":"one","value":{"a":1}}'),
    refused: { status: 400, code: 'json_key' },
  },
  {
    id: 'an escaped __proto__',
    ...sent(String.raw`{"line":"one","value":{"a":1,"\u005f_proto__":{}}}`),
    refused: { status: 400, code: 'json_key' },
  },
  { id: 'a comment', ...sent('{"line":"one"/* two */,"value":{"a":1}}'), refused: syntax },
  { id: 'a comment to the end of the line', ...sent('{"line":"one",//\n"value":{"a":1}}'), refused: syntax },
  { id: 'a comma at the end', ...sent('{"line":"one","value":{"a":1},}'), refused: syntax },
  { id: 'a comma at the end of a list', ...sent('{"line":"one","value":[1,]}'), refused: syntax },
  { id: 'a key without quotes', ...sent('{line:"one","value":{"a":1}}'), refused: syntax },
  { id: 'single quotes', ...sent(`{'line':"one","value":{"a":1}}`), refused: syntax },
  { id: 'undefined', ...sent('{"line":"one","value":undefined}'), refused: syntax },
  { id: 'a raw newline in a text', ...sent('{"line":"o\nne","value":{"a":1}}'), refused: syntax },
  { id: 'an escape that JSON has not', ...sent(String.raw`{"line":"\x6fne","value":{"a":1}}`), refused: syntax },
  { id: 'white space that JSON has not', ...sent('{"line":\u00a0"one","value":{"a":1}}'), refused: syntax },
  {
    id: 'nesting beyond the limit',
    ...sent(`{"line":"one","value":${'['.repeat(80)}${']'.repeat(80)}}`),
    refused: { status: 400, code: 'json_depth' },
  },
  { id: 'a byte order mark in front', encoding: 'UTF-8 with BOM', refused: syntax },
  { id: 'UTF-16', encoding: 'UTF-16', refused: syntax },
  { id: 'an overlong spelling', approved: '{"line":"a/b"}', encoding: 'overlong UTF-8', refused: syntax },
  { id: 'a byte sequence that is cut short', encoding: 'UTF-8 cut short', refused: syntax },
  {
    id: 'a form',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    refused: { status: 415, code: 'content_type' },
  },
  { id: 'plain text', headers: { 'content-type': 'text/plain' }, refused: { status: 415, code: 'content_type' } },
  {
    id: 'JSON lines',
    headers: { 'content-type': 'application/jsonl' },
    refused: { status: 415, code: 'content_type' },
  },
  {
    id: 'another tool in the header',
    headers: { 'mcp-name': 'clear' },
    refused: { status: 400, code: 'header_mismatch' },
  },
  {
    id: 'another method in the header',
    headers: { 'mcp-method': 'tools/list' },
    refused: { status: 400, code: 'header_mismatch' },
  },
]

/** The same call, written otherwise. */
export const SAME_WIRE: readonly Control[] = [
  { id: 'keys in another order', ...sent('{"value":{"a":1},"line":"one"}') },
  { id: 'white space between', ...sent('{ "line" :\t"one",\r\n"value": {"a": 1} }') },
  {
    id: 'deep keys in another order',
    approved: '{"line":"one","value":{"b":1,"a":{"d":1,"c":2}}}',
    sent: '{"line":"one","value":{"a":{"c":2,"d":1},"b":1}}',
  },
]
