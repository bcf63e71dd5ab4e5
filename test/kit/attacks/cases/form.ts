import type { Attack } from '../attack.ts'

const invalid = { code: 'approval_invalid' }
const required = { code: 'approval_required' }
const twice = { status: 400, code: 'json_duplicate_key' }
const unread = { status: 400, code: 'json_syntax' }
const KEY = '"dev.gatehouse/approval"'

/** A good receipt, written otherwise than RFC 7515 section 7.1 has it. */
export const FORM: readonly Attack[] = [
  { id: 'with a space in front', jws: ' {h}.{p}.{s}', refused: invalid },
  { id: 'with a newline at the end', jws: String.raw`{h}.{p}.{s}\n`, refused: invalid },
  { id: 'with a NUL at the end', jws: String.raw`{h}.{p}.{s}\u0000`, refused: invalid },
  { id: 'with padding', jws: '{h}.{p}.{s}==', refused: invalid },
  { id: 'with a dot at the end', jws: '{h}.{p}.{s}.', refused: invalid },
  { id: 'with data behind it', jws: '{h}.{p}.{s}.{s}', refused: invalid },
  { id: 'with characters behind the signature', jws: '{h}.{p}.{s}AAAA', refused: invalid },
  { id: 'with its payload detached', jws: '{h}..{s}', refused: invalid },
  {
    id: 'with its payload detached and beside it',
    jws: '{h}..{s}',
    meta: `${KEY}:"{receipt}","payload":"{p}"`,
    refused: invalid,
  },
  { id: 'without its signature', jws: '{h}.{p}.', refused: invalid },
  { id: 'without its header', jws: '.{p}.{s}', refused: invalid },
  { id: 'with its parts exchanged', jws: '{p}.{h}.{s}', refused: invalid },
  { id: 'with the payload of another', jws: '{h}.{otherPayload}.{s}', refused: invalid },
  { id: 'as a bearer credential', jws: 'Bearer {h}.{p}.{s}', refused: invalid },
  { id: 'as JSON, flattened', meta: `${KEY}:{"payload":"{p}","protected":"{h}","signature":"{s}"}`, refused: invalid },
  {
    id: 'as JSON, general',
    meta: `${KEY}:{"payload":"{p}","signatures":[{"protected":"{h}","signature":"{s}"}]}`,
    refused: invalid,
  },
  {
    id: 'as the text of JSON',
    meta: String.raw`${KEY}:"{\"payload\":\"{p}\",\"protected\":\"{h}\",\"signature\":\"{s}\"}"`,
    refused: invalid,
  },
  { id: 'in a list', meta: `${KEY}:["{receipt}"]`, refused: invalid },
  { id: 'in a list with another', meta: `${KEY}:["{other}","{receipt}"]`, refused: invalid },
  { id: 'two in one text', meta: `${KEY}:"{receipt} {receipt}"`, refused: invalid },
  { id: 'two with a comma', meta: `${KEY}:"{other},{receipt}"`, refused: invalid },
  { id: 'two under one key', meta: `${KEY}:"{other}",${KEY}:"{receipt}"`, refused: twice },
  {
    id: 'two under one key, once escaped',
    meta: String.raw`${KEY}:"{other}","dev.gatehouse\/approval":"{receipt}"`,
    refused: twice,
  },
  { id: 'in an object', meta: `${KEY}:{"receipt":"{receipt}"}`, refused: invalid },
  { id: 'true', meta: `${KEY}:true`, refused: invalid },
  { id: 'a number', meta: `${KEY}:1`, refused: invalid },
  { id: 'no text', meta: `${KEY}:""`, refused: invalid },
  { id: 'an empty object', meta: `${KEY}:{}`, refused: invalid },
  { id: 'a word', meta: `${KEY}:"approved"`, refused: invalid },
  { id: 'a text of a megabyte', meta: `${KEY}:"{megabyte}"`, refused: { status: 413, code: 'body_too_large' } },
  { id: 'a text of a hundred thousand characters', meta: `${KEY}:"{receipt}{long}"`, refused: invalid },
  { id: 'null', meta: `${KEY}:null`, refused: required },
  { id: 'under no key', meta: '', refused: required },
  { id: 'under the key in capitals', meta: '"Dev.Gatehouse/Approval":"{receipt}"', refused: required },
  { id: 'under the key without its prefix', meta: '"approval":"{receipt}"', refused: required },
  { id: 'under the key with a space', meta: '"dev.gatehouse/approval ":"{receipt}"', refused: required },
  { id: 'under a key with a zero-width space', meta: '"dev.gatehouse/\u200bapproval":"{receipt}"', refused: required },
  { id: 'a level deeper', meta: `"io.example/x":{${KEY}:"{receipt}"}`, refused: required },
  {
    id: 'in the parameters',
    meta: '',
    params: `"name":"keep","arguments":{args},${KEY}:"{receipt}","_meta":{meta}`,
    refused: required,
  },
  { id: 'in the message', meta: '', message: `${KEY}:"{receipt}"`, refused: { status: 400, code: 'message_invalid' } },
  {
    id: 'in the _meta of the message',
    meta: '',
    message: `"_meta":{${KEY}:"{receipt}"}`,
    refused: { status: 400, code: 'message_invalid' },
  },
  {
    id: 'in the arguments',
    meta: '',
    params: `"name":"keep","arguments":{"line":"one",${KEY}:"{receipt}"},"_meta":{meta}`,
    refused: { code: 'invalid_arguments' },
  },
  {
    id: 'in the _meta of the arguments',
    meta: '',
    params: `"name":"keep","arguments":{"line":"one","_meta":{${KEY}:"{receipt}"}},"_meta":{meta}`,
    refused: { code: 'invalid_arguments' },
  },
  { id: 'in a header', meta: '', headers: { 'dev.gatehouse-approval': '{receipt}' }, refused: required },
  { id: 'in the header of a parameter', meta: '', headers: { 'mcp-param-approval': '{receipt}' }, refused: required },
  { id: 'in place of the proof', headers: { dpop: '{receipt}' }, refused: { status: 401, code: 'dpop_invalid' } },
  {
    id: 'in place of the token',
    headers: { authorization: 'DPoP {receipt}' },
    refused: { status: 401, code: 'token_invalid' },
  },
  { id: 'the proof in its place', meta: `${KEY}:"{proof}"`, refused: invalid },
  { id: 'the token in its place', meta: `${KEY}:"{token}"`, refused: invalid },
  {
    id: 'the word of a person',
    meta: '"dev.gatehouse/approved":true,"approved":true,"approvedBy":"ada"',
    refused: required,
  },
  { id: 'unfinished JSON', meta: `${KEY}:"{receipt}`, refused: unread },
]
