import { createHash } from 'node:crypto'
import { z } from 'zod'
import { canonicalJson } from './json.ts'

/** `sha256:` and 64 lower-case hexadecimal digits. */
export const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/)
export type Digest = z.infer<typeof Digest>

/** SHA-256 over the RFC 8785 canonical form of `value`. @throws JsonError for values outside JSON */
export function digestOf(value: unknown): Digest {
  return `sha256:${createHash('sha256').update(canonicalJson(value), 'utf8').digest('hex')}`
}
