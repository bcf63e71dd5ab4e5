import { z } from 'zod'

/** A P-256 private key as a store keeps it (RFC 7517, RFC 7518 section 6.2). The issues of a parse show parts of the key: never log them. */
export const PrivateJwk = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: z.string(),
  y: z.string(),
  d: z.string(),
})
export type PrivateJwk = z.infer<typeof PrivateJwk>
