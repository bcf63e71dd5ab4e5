import { GatehouseError } from '@gatehouse/contracts'

export type AuthCode =
  | 'authorization_repeated'
  | 'token_missing'
  | 'token_invalid'
  | 'token_expired'
  | 'client_unknown'
  | 'bearer_not_allowed'
  | 'dpop_invalid'
  | 'dpop_replayed'
  | 'dpop_window_full'
  | 'issuer_unreachable'

/** `error` of RFC 6750 section 3.1 and RFC 9449 section 7.1; absent when the request had no credentials at all, or for a fault of ours. */
const RULES: Readonly<Record<AuthCode, { status: 400 | 401 | 403 | 503; error?: string }>> = {
  authorization_repeated: { status: 400, error: 'invalid_request' },
  token_missing: { status: 401 },
  token_invalid: { status: 401, error: 'invalid_token' },
  token_expired: { status: 401, error: 'invalid_token' },
  client_unknown: { status: 403, error: 'invalid_token' },
  bearer_not_allowed: { status: 401, error: 'invalid_token' },
  dpop_invalid: { status: 401, error: 'invalid_dpop_proof' },
  dpop_replayed: { status: 401, error: 'invalid_dpop_proof' },
  dpop_window_full: { status: 503 },
  issuer_unreachable: { status: 503 },
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
    options?: ErrorOptions,
  ) {
    super(code, message, options)
    const { status, error } = RULES[code]
    this.status = status
    this.challenge = status === 503 ? '' : challenge(audience, error, message)
  }
}

/** RFC 9728 section 3.1: the well-known path goes between the host and the resource's own path. */
export function resourceMetadataUrl(resource: string): string {
  const { origin, pathname } = new URL(resource)
  return `${origin}/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}`
}

/** Both schemes in one header, Bearer first: some clients read only the first, and only when it is Bearer. */
function challenge(audience: string, error: string | undefined, description: string): string {
  const shared = [
    ...(error
      ? [`error="${error}"`, `error_description="${description.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, ' ')}"`]
      : []),
    `resource_metadata="${resourceMetadataUrl(audience)}"`,
  ].join(', ')
  return `Bearer ${shared}, DPoP algs="ES256", ${shared}`
}
