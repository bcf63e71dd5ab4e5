import type { Attack, Control } from '../attack.ts'

const mismatch = { code: 'approval_mismatch' }
const unread = { status: 400, code: 'json_number' }
const syntax = { status: 400, code: 'json_syntax' }
const number = (approved: string, sent: string) => ({
  approved: `{"line":"n","value":${approved}}`,
  sent: `{"line":"n","value":${sent}}`,
})

/** Numbers that are others, or that two readers could take for others. */
export const NUMBERS: readonly Attack[] = [
  { id: 'a number that is one more', ...number('1', '2'), refused: mismatch },
  { id: 'a number that is ten times as large', ...number('1', '1e1'), refused: mismatch },
  { id: 'a negative number', ...number('1', '-1'), refused: mismatch },
  { id: 'the next number after 0.1', ...number('0.1', '0.10000000000000002'), refused: mismatch },
  { id: 'the next number after 1', ...number('1', '1.0000000000000002'), refused: mismatch },
  { id: 'the sum of 0.1 and 0.2', ...number('0.3', '0.30000000000000004'), refused: mismatch },
  { id: 'the smallest number for zero', ...number('0', '5e-324'), refused: mismatch },
  { id: 'negative zero for zero', ...number('0', '-0'), refused: unread },
  { id: 'negative zero with a fraction', ...number('0', '-0.0'), refused: unread },
  { id: 'negative zero by underflow', ...number('0', '-1e-400'), refused: unread },
  {
    id: 'an integer that is rounded to the approved one',
    ...number('9007199254740991', '9007199254740993'),
    refused: unread,
  },
  { id: 'an integer of 2^53', ...number('9007199254740991', '9007199254740992'), refused: unread },
  {
    id: 'a large integer, written with an exponent',
    ...number('9007199254740991', '9.007199254740993e15'),
    refused: unread,
  },
  { id: 'a number beyond all', ...number('1', '1e400'), refused: unread },
  { id: 'a zero in front', ...number('1', '01'), refused: syntax },
  { id: 'a plus in front', ...number('1', '+1'), refused: syntax },
  { id: 'no digit before the point', ...number('0.5', '.5'), refused: syntax },
  { id: 'no digit after the point', ...number('1', '1.'), refused: syntax },
  { id: 'hexadecimal', ...number('16', '0x10'), refused: syntax },
  { id: 'digits apart', ...number('1000', '1_000'), refused: syntax },
  { id: 'digits of another script', ...number('1', '\u0661'), refused: syntax },
  { id: 'NaN', ...number('1', 'NaN'), refused: syntax },
  { id: 'Infinity', ...number('1', 'Infinity'), refused: syntax },
  { id: 'minus Infinity', ...number('1', '-Infinity'), refused: syntax },
  { id: 'a BigInt literal', ...number('1', '1n'), refused: syntax },
]

/** One number in another spelling is the same number (RFC 8785, 3.2.2.3). */
export const SAME_NUMBERS: readonly Control[] = [
  { id: '1 as 1.0', ...number('1', '1.0') },
  { id: '1 as 1e0', ...number('1', '1e0') },
  { id: '100 as 1E+2', ...number('100', '1E+2') },
  { id: '0.1 as 1e-1', ...number('0.1', '1e-1') },
  { id: 'zero as a number that underflows', ...number('0', '1e-400') },
  { id: '0.1 with digits that no double tells apart', ...number('0.1', '0.1000000000000000055') },
]
