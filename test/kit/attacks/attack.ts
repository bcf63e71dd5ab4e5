/** A claim as it is, or one that depends on the moment or on who is there. */
type Claim = string | number | boolean | null | readonly unknown[] | { readonly now: number } | { readonly of: Thing }
export type Thing =
  | 'other server'
  | 'digest at the other server'
  | 'audience with slash'
  | 'audience in capitals'
  | 'other tool digest'
  | 'digest of clear'
  | 'other arguments'
  | 'arguments as sent'
  | 'id in capitals'

/** Who sends the attack; each has a token of its own, from the real issuer. */
export type Sender =
  | 'ada'
  | 'ada on another device'
  | 'ada without her group'
  | 'ada through a bearer client'
  | 'ada through an unregistered client'
  | 'ada on another surface'
  | 'ada with her bound token as bearer'
  | 'ada with a proof by another key'
  | 'ada without a proof'
  | 'ada with a token bound by certificate'
  | 'ada with an expired token'
  | 'ada with a token for another server'
  | 'finn'
  | 'finn on the device of ada'
  | 'a workload'
  | 'nobody'

/** Who signs the receipt, and how. */
export type Signing =
  | 'device'
  | 'another device'
  /** HMAC-SHA-256 with the device's public key as the secret. */
  | 'public key as secret'
  | 'P-384'
  | 'RSA'
  /** r and s are zero (CVE-2022-21449). */
  | 'zeros'
  | 'DER'
  /** s replaced by n - s: verifies too, and is another text. */
  | 'malleated'
  | 'nothing'

export type Jwk =
  | 'device'
  | 'another device'
  | 'with the private key'
  | 'P-384'
  | 'RSA'
  | 'symmetric'
  | 'absent'
  | 'off the curve'

/** What happens between the approval and the attack. */
export type Meanwhile =
  /** The genuine call has used the receipt. */
  | 'used'
  | 'used, and the server restarted'
  /** The genuine call used it at one replica, the attack goes to the other. */
  | 'used at another replica'
  | 'the server restarted'
  | 'the description of the tool changed'
  | 'the server was suspended'
  | 'the record ran out'
  | 'the receipt expired'
  | 'the receipt expired while the ledger was locked'

/**
 * One attack, as data: how what is sent differs from a genuine call with its genuine approval. Texts are templates: `{receipt}` stands for the
 * compact JWS, `{h}`, `{p}` and `{s}` for its parts, `{args}` for the arguments, `{meta}` for `_meta`, `{other}` for a receipt by
 * another device, `{otherPayload}` for its claims, `{token}` and `{proof}` for the sender's own, `{long}` for a hundred thousand characters,
 * `{megabyte}` for a million, and `{state}` for the state of a question that was asked, `{stateCut}` and its like for it in pieces.
 */
export interface Attack {
  readonly id: string
  /** Default `keep`, of the fixture; `execute_statement` is that of the real Presto server. */
  readonly tool?: 'keep' | 'execute_statement'
  /** JSON text of the arguments that the person approved. */
  readonly approved?: string
  /** JSON text of the arguments as they are sent. */
  readonly sent?: string
  /** Name of the tool that is called, where it is another. */
  readonly called?: string
  /** Claims of the receipt that differ; `undefined` leaves one out. */
  readonly claims?: Readonly<Record<string, Claim | undefined>>
  /** Replacement in the JSON text of the claims. */
  readonly claimsText?: readonly [from: string, to: string]
  readonly header?: Readonly<Record<string, unknown>>
  readonly headerText?: readonly [from: string, to: string]
  readonly jwk?: Jwk
  readonly signed?: Signing
  /** Default `{h}.{p}.{s}`. */
  readonly jws?: string
  /** Members of `_meta`. Default `"dev.gatehouse/approval":"{receipt}"`. */
  readonly meta?: string
  /** Members of `params`. Default `"name":…,"arguments":{args},"_meta":{meta}`. */
  readonly params?: string
  /** Further members of the message. */
  readonly message?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly encoding?: 'UTF-8' | 'UTF-16' | 'UTF-8 with BOM' | 'overlong UTF-8' | 'UTF-8 cut short'
  readonly sender?: Sender
  /** `ask` is called first, and `{state}` is what it hands out; by ada, at the same server, for the arguments as sent where nothing else is said. */
  readonly asked?: { readonly by?: Sender; readonly at?: 'replica'; readonly arguments?: string }
  readonly meanwhile?: Meanwhile
  readonly eras?: readonly Era[]
  readonly refused: Refused
}
export type Era = 'modern' | 'legacy'

interface Refused {
  /** Stable code of the refusal. */
  readonly code: string
  /** HTTP status; default 200, since a refused call is a result. */
  readonly status?: number
  /** Whether the caller is told what came of the genuine call. */
  readonly told?: true
}

/** Another way to write the same call: it must run. Without these the refusals would prove nothing. */
export type Control = Omit<Attack, 'refused'>
