import { hash } from 'node:crypto'
import { z } from 'zod'
import { assertJson, canonicalForm, type Json } from './json.ts'

/** `sha256:` and 64 lower-case hexadecimal digits. */
export const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/)
export type Digest = z.infer<typeof Digest>

/** SHA-256 over the RFC 8785 canonical form of `value`. @throws JsonError for values outside JSON */
export function digestOf(value: unknown): Digest {
  return digestOfJson(assertJson(value))
}

/** The same for what `assertJson` has let through already. */
export function digestOfJson(value: Json): Digest {
  return `sha256:${hash('sha256', canonicalForm(value))}`
}
