import type { Attack, Control, Era } from './attack.ts'
import { ANSWERS } from './cases/answers.ts'
import { ARGUMENTS } from './cases/arguments.ts'
import { CLAIMS } from './cases/claims.ts'
import { FORM } from './cases/form.ts'
import { MEANWHILE } from './cases/meanwhile.ts'
import { NUMBERS, SAME_NUMBERS } from './cases/numbers.ts'
import { SENDERS } from './cases/senders.ts'
import { SHAPE } from './cases/shape.ts'
import { SIGNATURE } from './cases/signature.ts'
import { SAME_STATEMENTS, STATEMENTS } from './cases/statements.ts'
import { SAME_TEXT, TEXT } from './cases/text.ts'
import { SAME_WIRE, WIRE } from './cases/wire.ts'

const BOTH: readonly Era[] = ['modern', 'legacy']
const MODERN: readonly Era[] = ['modern']

/** Families of attacks, and the eras in which each is tried: both where the eras differ in how a call reaches its approval. */
export const ATTACKS: readonly (readonly [family: string, cases: readonly Attack[], eras: readonly Era[]])[] = [
  ['other arguments', ARGUMENTS, MODERN],
  ['other numbers', NUMBERS, BOTH],
  ['other text', TEXT, MODERN],
  ['other bytes', WIRE, BOTH],
  ['another shape', SHAPE, BOTH],
  ['a receipt', CLAIMS, MODERN],
  ['a signature', SIGNATURE, MODERN],
  ['a receipt in another form or place', FORM, BOTH],
  ['a good receipt', SENDERS, BOTH],
  ['the word of a client', ANSWERS, MODERN],
  ['a statement on the Presto server', STATEMENTS, MODERN],
  ['a receipt, later', MEANWHILE, BOTH],
]

export const CONTROLS: readonly (readonly [family: string, cases: readonly Control[]])[] = [
  ['as it is', [{ id: 'keep' }, { id: 'execute_statement', tool: 'execute_statement' }]],
  ['its numbers spelled otherwise', SAME_NUMBERS],
  ['its text spelled otherwise', SAME_TEXT],
  ['its bytes in another order', SAME_WIRE],
  ['a statement spelled otherwise', SAME_STATEMENTS],
]
