import type { Claims, TokenSigning } from '../../support/issuer.ts'
import type { ForgingKey } from '../../kit/attacks/forge.ts'
import type { ServerName } from '../servers/definitions.ts'
import type { Shape } from '../shape.ts'

/** What an attack may be made of: the moment, the addresses, and the keys. */
export interface Facts {
  /** Seconds since the epoch. */
  readonly now: number
  readonly issuer: string
  readonly endpoint: (server: ServerName) => string
  readonly device: ForgingKey
  readonly other: ForgingKey
  /** The access token that goes with a proof; empty while the token itself is made. */
  readonly token: string
}

/** How a DPoP proof differs from a genuine one. */
export interface ForgedProof {
  readonly claims?: (facts: Facts) => Claims
  readonly header?: (facts: Facts) => Claims
  readonly by?: 'another device'
  readonly signed?: 'nothing' | 'public key as secret'
  /** The genuine call used it just before. */
  readonly used?: true
}

/**
 * One attack, as data: how what is sent differs from a genuine call of `search` at the Presto server. Texts are templates: `{token}`, `{proof}`,
 * `{body}`, `{path}` and `{host}` of the endpoint, `{vault}` the path of another server's at the edge, `{vaultHost}` its host, `{length}` of the body.
 */
export interface Attack {
  readonly id: string
  /** Default: the command line with a bearer token; the editor has a device key and proves it. */
  readonly client?: 'editor'
  readonly claims?: (facts: Facts) => Claims
  readonly tokenHeader?: (facts: Facts) => Claims
  readonly signing?: TokenSigning
  /** Text in place of the token. */
  readonly token?: string
  readonly proof?: ForgedProof
  /** Lines in place of `Authorization`. */
  readonly authorization?: readonly string[]
  /** Lines in place of `DPoP`. */
  readonly dpop?: readonly string[]
  /** Further lines, as they are. */
  readonly headers?: readonly string[]
  readonly method?: string
  readonly target?: string
  readonly host?: string
  /** The tool in the body; the header says the same unless told otherwise. */
  readonly name?: string
  /** `Mcp-Name`, `Mcp-Method`. */
  readonly said?: { readonly name?: string; readonly method?: string }
  readonly body?: string
  /** Lines in place of `Content-Length`, and the bytes after the head. */
  readonly framing?: { readonly lines: readonly string[]; readonly wire: string }
  readonly refused: Refused
}

interface Refused {
  readonly code: string
  /** Of the edge, where it answers first and cannot know the server's reason. */
  readonly edgeCode?: string
  /** The edge takes the harm out of it, and the genuine call runs. */
  readonly harmlessAtEdge?: true
  /** Outcomes in the audit, where they are not that one code: none for what never became a request at a server. */
  readonly recorded?: Partial<Record<Shape['kind'], readonly string[]>>
}

/** Another way to send the genuine call: it must run, by the same caller, whatever else it says. */
export type Control = Omit<Attack, 'refused'>
