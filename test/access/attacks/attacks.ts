import type { Attack } from './attack.ts'
import { BODIES } from './bodies.ts'
import { AUTHORIZATION, IDENTITY_HEADERS } from './headers.ts'
import { HOSTS, PATHS, SMUGGLING } from './places.ts'
import { PROOFS } from './proofs.ts'
import { TOKENS } from './tokens.ts'

/** Each is refused, by the server and by the edge, and nothing runs. */
export const ATTACKS: readonly (readonly [family: string, attacks: readonly Attack[]])[] = [
  ['a token', TOKENS],
  ['a proof', PROOFS],
  ['credentials', AUTHORIZATION],
  ['a header that says who calls', IDENTITY_HEADERS],
  ['a body', BODIES],
  ['a path', PATHS],
  ['an address', HOSTS],
  ['a request within a request', SMUGGLING],
]
