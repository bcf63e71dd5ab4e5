import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto'
import { z } from 'zod'
import { BoundedMap } from '../bounded-map.ts'
import { AuthError } from './auth-error.ts'

/** A proof is accepted this many seconds around its `iat` (RFC 9449 section 11.1). */
const PROOF_WINDOW = 60
/** Proofs remembered at most; more within the window are refused rather than forgotten. */
const REPLAY_LIMIT = 500_000
/** Of these, most of one key: whoever sends more keeps itself out, and not the others. */
const REPLAY_SHARE = 400_000
/** SHA-256 in base64url. */
const THUMBPRINT_LENGTH = 43
const KEY_LIMIT = 5_000
const LONGEST = 8_192
/** RFC 7515 section 3.1, compact, with the 64 bytes of an ES256 signature (RFC 7518 section 3.4). */
const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})$/

const ProofHeader = z.object({
  typ: z.literal('dpop+jwt'),
  alg: z.literal('ES256'),
  jwk: z
    .looseObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string().max(64), y: z.string().max(64) })
    .refine((jwk) => !('d' in jwk) && !('k' in jwk), 'private key'),
  /** An extension that must be understood, and none is (RFC 7515 section 4.1.11). */
  crit: z.undefined().optional(),
})

const ProofClaims = z.object({
  jti: z.string().min(1).max(256),
  htm: z.string(),
  htu: z.string().max(4096),
  iat: z.int(),
  ath: z.string(),
  exp: z.number().optional(),
  nbf: z.number().optional(),
  /** Read only of a client whose terms say that its channel is in the proof. */
  channel: z.unknown().optional(),
})

interface ProofKey {
  readonly key: KeyObject
  /** RFC 7638 */
  readonly thumbprint: string
}

export interface Proof {
  readonly proof: string | undefined
  /** SHA-256 of the access token, base64url. */
  readonly tokenHash: string
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
 *
 * A proof is verified on the spot, by a key that is kept: handing so small a piece of work to another thread takes longer than doing it.
 */
export function createProofVerifier(
  audience: string,
  {
    replays = REPLAY_LIMIT,
    replaysPerKey = REPLAY_SHARE,
  }: { readonly replays?: number; readonly replaysPerKey?: number } = {},
): { verify(proof: Proof): { readonly channel: unknown } } {
  /** By the header's text: a device sends the same one with every proof. */
  const keys = new BoundedMap<string, ProofKey>(KEY_LIMIT)
  const seen = new Map<string, number>()
  /** How many of these are by one key, by its thumbprint. */
  const shares = new Map<string, number>()

  function refuse(message: string): never {
    throw new AuthError('dpop_invalid', message, audience)
  }

  function keyOf(text: string): ProofKey {
    const known = keys.get(text)
    if (known) return known
    const header = ProofHeader.safeParse(decoded(text))
    if (!header.success) refuse('the DPoP proof has an unacceptable header')
    const { kty, crv, x, y } = header.data.jwk
    const entry = {
      key: publicKey({ kty, crv, x, y }) ?? refuse('the DPoP proof has no usable key'),
      // RFC 7638 section 3: these members, in this order.
      thumbprint: hash('sha256', JSON.stringify({ crv, kty, x, y }), 'base64url'),
    }
    keys.set(text, entry)
    return entry
  }

  function remember(id: string, now: number): void {
    for (const [old, until] of seen) {
      if (until > now) break
      seen.delete(old)
      const owner = old.slice(0, THUMBPRINT_LENGTH)
      const left = (shares.get(owner) ?? 0) - 1
      if (left > 0) shares.set(owner, left)
      else shares.delete(owner)
    }
    if (seen.has(id)) throw new AuthError('dpop_replayed', 'the DPoP proof was used before', audience)
    const thumbprint = id.slice(0, THUMBPRINT_LENGTH)
    const share = shares.get(thumbprint) ?? 0
    if (seen.size >= replays || share >= replaysPerKey)
      throw new AuthError('dpop_window_full', 'too many calls to tell a replayed proof', audience)
    seen.set(id, now + 2 * PROOF_WINDOW * 1000)
    shares.set(thumbprint, share + 1)
  }

  return {
    verify({ proof, tokenHash, thumbprint, method, url, now }) {
      if (proof === undefined) return refuse('the access token needs a DPoP proof')
      const [, header, payload, signature] = (proof.length <= LONGEST && COMPACT.exec(proof)) || []
      if (!header || !payload || !signature) return refuse('the DPoP proof has an unacceptable header')
      const { key, thumbprint: proven } = keyOf(header)
      if (proven !== thumbprint) return refuse('the DPoP proof is by another key than the access token is bound to')
      const signed = Buffer.from(proof.slice(0, header.length + 1 + payload.length), 'latin1')
      if (!verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')))
        return refuse('the signature of the DPoP proof is wrong')
      const claims = ProofClaims.safeParse(decoded(payload))
      if (!claims.success) return refuse('the DPoP proof has a claim that is missing or malformed')
      const { jti, htm, htu, iat, ath, exp, nbf, channel } = claims.data
      if (htm !== method) return refuse('the DPoP proof is for another method')
      if (htu !== url && target(htu) !== target(url)) return refuse('the DPoP proof is for another URL')
      const seconds = now / 1000
      if (Math.abs(seconds - iat) > PROOF_WINDOW || (exp ?? Infinity) <= seconds || (nbf ?? 0) > seconds)
        return refuse('the DPoP proof is too old or from the future')
      if (ath !== tokenHash) return refuse('the DPoP proof is for another token')
      remember(`${proven}.${jti}`, now)
      return { channel }
    },
  }
}

function decoded(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
}

/** Undefined for what is no point of the curve. */
function publicKey(jwk: { kty: string; crv: string; x: string; y: string }): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
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
