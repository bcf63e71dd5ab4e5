import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, decodeProtectedHeader, importJWK, jwtVerify } from 'jose'
import { z } from 'zod'
import { BoundedMap } from '../bounded-map.ts'
import { AuthError } from './auth-error.ts'

/** A proof is accepted this many seconds around its `iat` (RFC 9449 section 11.1). */
const PROOF_WINDOW = 60
/** Proofs remembered at most; more within the window are refused rather than forgotten. */
const REPLAY_LIMIT = 500_000
const KEY_LIMIT = 5_000

const ProofHeader = z.object({
  typ: z.literal('dpop+jwt'),
  alg: z.literal('ES256'),
  jwk: z
    .looseObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string().max(64), y: z.string().max(64) })
    .refine((jwk) => !('d' in jwk) && !('k' in jwk), 'private key'),
})

const ProofClaims = z.object({
  jti: z.string().min(1).max(256),
  htm: z.string(),
  htu: z.string().max(4096),
  iat: z.int(),
  ath: z.string(),
})

interface ProofKey {
  readonly key: Awaited<ReturnType<typeof importJWK>>
  readonly thumbprint: string
}

export interface Proof {
  readonly proof: string | undefined
  readonly token: string
  /** `cnf.jkt` of the token. */
  readonly thumbprint: string
  readonly method: string
  /** Public URL of the request. */
  readonly url: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

/**
 * Verifies proofs of possession (RFC 9449 section 4.3). The memory of used proofs is this process's own: a replica does not know what another
 * has seen, which is why a write needs a receipt and its ledger as well.
 */
export function createProofVerifier(audience: string): { verify(proof: Proof): Promise<void> } {
  const keys = new BoundedMap<string, ProofKey>(KEY_LIMIT)
  const seen = new Map<string, number>()

  function refuse(message: string): never {
    throw new AuthError('dpop_invalid', message, audience)
  }

  async function keyOf(proof: string): Promise<ProofKey> {
    const header = ProofHeader.safeParse(headerOf(proof))
    if (!header.success) refuse('the DPoP proof has an unacceptable header')
    const { kty, crv, x, y } = header.data.jwk
    const known = keys.get(`${x}.${y}`)
    if (known) return known
    const jwk = { kty, crv, x, y }
    const key = await importJWK(jwk, 'ES256').catch(() => refuse('the DPoP proof has no usable key'))
    const entry = { key, thumbprint: await calculateJwkThumbprint(jwk) }
    keys.set(`${x}.${y}`, entry)
    return entry
  }

  function remember(id: string, now: number): void {
    for (const [old, until] of seen) {
      if (until > now) break
      seen.delete(old)
    }
    if (seen.has(id)) throw new AuthError('dpop_replayed', 'the DPoP proof was used before', audience)
    if (seen.size >= REPLAY_LIMIT)
      throw new AuthError('dpop_window_full', 'too many calls to tell a replayed proof', audience)
    seen.set(id, now + 2 * PROOF_WINDOW * 1000)
  }

  return {
    async verify({ proof, token, thumbprint, method, url, now }) {
      if (proof === undefined) return refuse('the access token needs a DPoP proof')
      const { key, thumbprint: proven } = await keyOf(proof)
      if (proven !== thumbprint) return refuse('the DPoP proof is by another key than the access token is bound to')
      const { payload } = await jwtVerify(proof, key, { algorithms: ['ES256'], currentDate: new Date(now) }).catch(() =>
        refuse('the signature of the DPoP proof is wrong'),
      )
      const claims = ProofClaims.safeParse(payload)
      if (!claims.success) return refuse('the DPoP proof has a claim that is missing or malformed')
      const { jti, htm, htu, iat, ath } = claims.data
      if (htm !== method) return refuse('the DPoP proof is for another method')
      if (target(htu) !== target(url)) return refuse('the DPoP proof is for another URL')
      if (Math.abs(now / 1000 - iat) > PROOF_WINDOW) return refuse('the DPoP proof is too old or from the future')
      if (ath !== createHash('sha256').update(token).digest('base64url'))
        return refuse('the DPoP proof is for another token')
      remember(`${proven}.${jti}`, now)
    },
  }
}

function headerOf(proof: string): unknown {
  try {
    return decodeProtectedHeader(proof)
  } catch {
    return undefined
  }
}

/** `htu` without query and fragment, after syntax- and scheme-based normalisation (RFC 9449 section 4.3, check 9). */
function target(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { origin, pathname } = new URL(url)
  return origin + pathname
}
