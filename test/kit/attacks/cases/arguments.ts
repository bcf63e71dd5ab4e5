import type { Attack } from '../attack.ts'

const mismatch = { code: 'approval_mismatch' }
const unfit = { code: 'invalid_arguments' }

/** What was approved, for most: every kind of JSON value, at some depth. */
const RICH =
  '{"line":"rich","copies":1,"value":{"a":1,"list":[1,2,3],"deep":{"er":{"x":"y"}},"flag":true,"none":null,"text":"1"}}'
const rich = (from: string, to: string) => ({ approved: RICH, sent: RICH.replace(from, to), refused: mismatch })

/** Other arguments than those that were approved, in every way that JSON allows. */
export const ARGUMENTS: readonly Attack[] = [
  { id: 'another line', approved: '{"line":"one"}', sent: '{"line":"two"}', refused: mismatch },
  { id: 'one character more', approved: '{"line":"one"}', sent: '{"line":"one."}', refused: mismatch },
  { id: 'a line in capitals', approved: '{"line":"one"}', sent: '{"line":"ONE"}', refused: mismatch },
  { id: 'a space at the end', approved: '{"line":"one"}', sent: '{"line":"one "}', refused: mismatch },
  { id: 'a space at the start', approved: '{"line":"one"}', sent: '{"line":" one"}', refused: mismatch },
  { id: 'a newline at the end', approved: '{"line":"one"}', sent: String.raw`{"line":"one\n"}`, refused: mismatch },
  { id: 'a NUL at the end', approved: '{"line":"one"}', sent: String.raw`{"line":"one\u0000"}`, refused: mismatch },
  { id: 'nothing in place of a line', approved: '{"line":"one"}', sent: '{"line":""}', refused: mismatch },
  {
    id: 'a default that was left out is filled in',
    approved: '{"line":"one"}',
    sent: '{"line":"one","copies":1}',
    refused: mismatch,
  },
  {
    id: 'a default that was given is left out',
    approved: '{"line":"one","copies":1}',
    sent: '{"line":"one"}',
    refused: mismatch,
  },
  {
    id: 'another value than the default is slipped in',
    approved: '{"line":"one"}',
    sent: '{"line":"one","copies":9}',
    refused: mismatch,
  },
  {
    id: 'null where a field was absent',
    approved: '{"line":"one"}',
    sent: '{"line":"one","value":null}',
    refused: mismatch,
  },
  {
    id: 'absent where a field was null',
    approved: '{"line":"one","value":null}',
    sent: '{"line":"one"}',
    refused: mismatch,
  },
  {
    id: 'an object for a list',
    approved: '{"line":"one","value":[]}',
    sent: '{"line":"one","value":{}}',
    refused: mismatch,
  },
  {
    id: 'a list for an object',
    approved: '{"line":"one","value":{}}',
    sent: '{"line":"one","value":[]}',
    refused: mismatch,
  },
  {
    id: 'an object with the indices of a list',
    approved: '{"line":"one","value":["a"]}',
    sent: '{"line":"one","value":{"0":"a"}}',
    refused: mismatch,
  },
  {
    id: 'a list around a value',
    approved: '{"line":"one","value":"a"}',
    sent: '{"line":"one","value":["a"]}',
    refused: mismatch,
  },
  { id: 'text for a number', ...rich('"a":1', '"a":"1"') },
  { id: 'a number for text', ...rich('"text":"1"', '"text":1') },
  { id: 'text for true', ...rich('"flag":true', '"flag":"true"') },
  { id: 'one for true', ...rich('"flag":true', '"flag":1') },
  { id: 'false for true', ...rich('"flag":true', '"flag":false') },
  { id: 'text for null', ...rich('"none":null', '"none":"null"') },
  { id: 'zero for null', ...rich('"none":null', '"none":0') },
  { id: 'false for null', ...rich('"none":null', '"none":false') },
  { id: 'nothing for null', ...rich('"none":null', '"none":""') },
  { id: 'a deep value', ...rich('"x":"y"', '"x":"z"') },
  { id: 'a deep key', ...rich('"x":"y"', '"X":"y"') },
  { id: 'a deep key more', ...rich('"x":"y"', '"x":"y","z":1') },
  { id: 'a deep key less', ...rich('"x":"y"', '') },
  { id: 'an empty key more', ...rich('"a":1', '"a":1,"":1') },
  { id: 'a list in another order', ...rich('[1,2,3]', '[3,2,1]') },
  { id: 'an item more', ...rich('[1,2,3]', '[1,2,3,4]') },
  { id: 'an item less', ...rich('[1,2,3]', '[1,2]') },
  { id: 'an item twice', ...rich('[1,2,3]', '[1,2,3,3]') },
  { id: 'a list in a list', ...rich('[1,2,3]', '[[1,2,3]]') },
  { id: 'a level deeper', ...rich('{"er":{"x":"y"}}', '{"er":{"er":{"x":"y"}}}') },
  { id: 'values of two keys exchanged', ...rich('"flag":true,"none":null', '"flag":null,"none":true') },
  { id: 'a key named constructor', ...rich('"a":1', '"a":1,"constructor":{"prototype":{"copies":9}}') },
  { id: 'a key named prototype', ...rich('"a":1', '"a":1,"prototype":{"copies":9}') },
  { id: 'a key named toJSON', ...rich('"a":1', '"a":1,"toJSON":"{}"') },
  { id: 'a key named hasOwnProperty', ...rich('"a":1', '"a":1,"hasOwnProperty":1') },
  { id: 'a key that only looks alike', ...rich('"a":1', '"\u0430":1') },
  {
    id: 'a key that the tool does not know',
    approved: '{"line":"one"}',
    sent: '{"line":"one","force":true}',
    refused: unfit,
  },
  { id: 'a key with another case', approved: '{"line":"one"}', sent: '{"Line":"one"}', refused: unfit },
  { id: 'a key with a space', approved: '{"line":"one"}', sent: '{"line":"one","copies ":9}', refused: unfit },
  {
    id: 'a key with a zero-width space',
    approved: '{"line":"one"}',
    sent: '{"line":"one","copies\u200b":9}',
    refused: unfit,
  },
  { id: 'a needed key left out', approved: '{"line":"one"}', sent: '{}', refused: unfit },
  { id: 'a number for the line', approved: '{"line":"1"}', sent: '{"line":1}', refused: unfit },
  { id: 'a list for the line', approved: '{"line":"1"}', sent: '{"line":["1"]}', refused: unfit },
  {
    id: 'text for the copies',
    approved: '{"line":"one","copies":1}',
    sent: '{"line":"one","copies":"1"}',
    refused: unfit,
  },
  { id: 'constructor at the top', approved: '{"line":"one"}', sent: '{"line":"one","constructor":{}}', refused: unfit },
]
