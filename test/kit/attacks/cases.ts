import type { Attack, Control } from './attack.ts'
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

export const ATTACKS: readonly (readonly [family: string, cases: readonly Attack[]])[] = [
  ['other arguments', ARGUMENTS],
  ['other numbers', NUMBERS],
  ['other text', TEXT],
  ['other bytes', WIRE],
  ['another shape', SHAPE],
  ['a receipt', CLAIMS],
  ['a signature', SIGNATURE],
  ['a receipt in another form or place', FORM],
  ['a good receipt', SENDERS],
  ['the word of a client', ANSWERS],
  ['a statement on the Presto server', STATEMENTS],
  ['a receipt, later', MEANWHILE],
]

export const CONTROLS: readonly (readonly [family: string, cases: readonly Control[]])[] = [
  ['as it is', [{ id: 'keep' }, { id: 'execute_statement', tool: 'execute_statement' }]],
  ['its numbers spelled otherwise', SAME_NUMBERS],
  ['its text spelled otherwise', SAME_TEXT],
  ['its bytes in another order', SAME_WIRE],
  ['a statement spelled otherwise', SAME_STATEMENTS],
]
