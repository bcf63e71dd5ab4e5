import { GatehouseError } from '@gatehouse/contracts'

export type AuthCode =
  | 'authorization_repeated'
  | 'token_missing'
  | 'token_invalid'
  | 'token_expired'
  | 'client_unknown'
  | 'bearer_not_allowed'
  | 'insufficient_scope'
  | 'dpop_invalid'
  | 'dpop_replayed'
  | 'dpop_window_full'
  | 'issuer_unreachable'
  | 'token_too_long'
  | 'identity_header_refused'
  | 'edge_identity_invalid'
  | 'edge_required'
  | 'credentials_ambiguous'
  | 'svid_missing'
  | 'svid_invalid'
  | 'svid_expired'
  | 'svid_unavailable'

/** `error` of RFC 6750 section 3.1 and RFC 9449 section 7.1; absent when the request had no credentials at all, or for a fault of ours. */
const RULES: Readonly<Record<AuthCode, { status: 400 | 401 | 403 | 503; error?: string }>> = {
  authorization_repeated: { status: 400, error: 'invalid_request' },
  token_missing: { status: 401 },
  token_invalid: { status: 401, error: 'invalid_token' },
  token_expired: { status: 401, error: 'invalid_token' },
  client_unknown: { status: 403, error: 'invalid_token' },
  bearer_not_allowed: { status: 401, error: 'invalid_token' },
  insufficient_scope: { status: 403, error: 'insufficient_scope' },
  dpop_invalid: { status: 401, error: 'invalid_dpop_proof' },
  dpop_replayed: { status: 401, error: 'invalid_dpop_proof' },
  dpop_window_full: { status: 503 },
  issuer_unreachable: { status: 503 },
  token_too_long: { status: 401, error: 'invalid_token' },
  identity_header_refused: { status: 400, error: 'invalid_request' },
  edge_identity_invalid: { status: 401, error: 'invalid_token' },
  edge_required: { status: 403 },
  credentials_ambiguous: { status: 400, error: 'invalid_request' },
  svid_missing: { status: 401 },
  svid_invalid: { status: 401, error: 'invalid_token' },
  svid_expired: { status: 401, error: 'invalid_token' },
  svid_unavailable: { status: 503 },
}

export interface AuthErrorOptions extends ErrorOptions {
  /** What the token needs (RFC 6750 section 3, `scope`). */
  readonly scopes?: readonly string[]
}

/** The caller could not be authenticated. Neither its text nor its cause ever holds the token. */
export class AuthError extends GatehouseError {
  readonly status: 400 | 401 | 403 | 503
  /** Value of `WWW-Authenticate`; empty when the fault is ours. */
  readonly challenge: string

  constructor(
    override readonly code: AuthCode,
    message: string,
    /** RFC 8707 resource, from which the metadata URL follows. */
    audience: string,
    { scopes, ...options }: AuthErrorOptions = {},
  ) {
    super(code, message, options)
    const { status, error } = RULES[code]
    this.status = status
    this.challenge = status === 503 ? '' : challenge(audience, error, message, scopes)
  }
}

/** RFC 9728 section 3.1: the well-known path goes between the host and the resource's own path. */
export function resourceMetadataUrl(resource: string): string {
  const { origin, pathname } = new URL(resource)
  return `${origin}/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}`
}

/** Both schemes in one header, Bearer first: some clients read only the first, and only when it is Bearer. */
function challenge(
  audience: string,
  error: string | undefined,
  description: string,
  scopes: readonly string[] = [],
): string {
  const shared = [
    ...(error
      ? [`error="${error}"`, `error_description="${description.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, ' ')}"`]
      : []),
    ...(scopes.length > 0 ? [`scope="${scopes.join(' ')}"`] : []),
    `resource_metadata="${resourceMetadataUrl(audience)}"`,
  ].join(', ')
  return `Bearer ${shared}, DPoP algs="ES256", ${shared}`
}
