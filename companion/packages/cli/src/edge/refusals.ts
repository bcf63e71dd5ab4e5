import { resourceMetadataUrl, serverDenials } from '@gatehouse/kit/edge'
import type { EdgeRoute } from './edge-route.ts'
import { type EdgeRule, denialDetails } from './policies.ts'

/** What the edge answers in place of Envoy's own words. */
export interface Refusal {
  /** CEL over the attributes of request and response. */
  readonly when: string
  readonly status: number
  readonly code: string
  /** Of the record, when it is what refuses; absent: the code. */
  readonly rule?: string
  /** For a person. */
  readonly message: string
  /** As the server's MCP endpoint refuses, or as HTTP does where no endpoint is concerned. */
  readonly form: 'json-rpc' | 'http'
  readonly headers?: Readonly<Record<string, string>>
}

const JWT = 'jwt_authn_access_denied'
const WHO_CALLS = 'a client may not say in a header who it is'
/** Longest token that a server looks at, with its scheme. */
const LONGEST_CREDENTIALS = 8_192 + 'Bearer '.length

/** Every refusal of the edge, most special first: the first that fits is the answer. */
export function refusals(routes: readonly EdgeRoute[]): readonly Refusal[] {
  return [...connectionRefusals, ...routes.flatMap(serverRefusals), ...upstreamRefusals]
}

/** Before a server is known. Codes are those of the servers' own listeners. */
const connectionRefusals: readonly Refusal[] = [
  ...['http1', 'http2'].map((codec) =>
    plain(
      `response.code_details == '${codec}.unexpected_underscore'`,
      400,
      'identity_header_refused',
      'the name of a header has an underscore, by which it could pass for another',
    ),
  ),
  plain(`response.code == 431`, 431, 'headers_too_large', 'the headers are too large'),
  plain(`response.code == 408`, 408, 'request_too_slow', 'the request took too long to arrive'),
  plain(
    `response.code in [400, 501] && (response.code_details.startsWith('http1.') || response.code_details.startsWith('http2.') || response.code_details in ['missing_host_header', 'missing_path_rejected', 'path_normalization_failed', 'low_version'])`,
    400,
    'http_malformed',
    'this is not a request that can be understood',
  ),
  plain(
    detailsAre(denialDetails('identity-header')) + ` && xds.route_name.startsWith('edge/')`,
    400,
    'identity_header_refused',
    WHO_CALLS,
  ),
]

function serverRefusals(route: EdgeRoute): readonly Refusal[] {
  const { record } = route
  const auth = (when: string, status: number, code: string, message: string, error?: string): Refusal =>
    rpc(
      route,
      when,
      status,
      code,
      message,
      status === 503 ? { 'retry-after': '2' } : challenge(record.url, error, message),
    )
  const denied = (rule: EdgeRule, tool?: number) => detailsAre(denialDetails(rule, tool))
  const failed = (what: string) => detailsAre(`${JWT}{${what}}`)
  return [
    auth(denied('identity-header'), 400, 'identity_header_refused', WHO_CALLS, 'invalid_request'),
    auth(
      denied('authorization-repeated'),
      400,
      'authorization_repeated',
      'there is more than one Authorization header',
      'invalid_request',
    ),
    auth(
      `response.code_details.startsWith('${JWT}') && size(request.headers['authorization']) > ${LONGEST_CREDENTIALS}`,
      401,
      'token_too_long',
      'the access token is too long',
      'invalid_token',
    ),
    auth(
      denied('authorization-malformed'),
      401,
      'token_invalid',
      'the Authorization header is malformed',
      'invalid_token',
    ),
    auth(failed('Jwt_is_missing'), 401, 'token_missing', 'an access token is needed'),
    auth(failed('Jwt_is_expired'), 401, 'token_expired', 'the access token has expired', 'invalid_token'),
    auth(
      `response.code_details.startsWith('${JWT}{Jwks_remote_fetch')`,
      503,
      'issuer_unreachable',
      'the keys of the identity provider cannot be fetched',
    ),
    ...(
      [
        ['Audiences_in_Jwt_are_not_allowed', 'the access token is for another resource'],
        ['Jwt_issuer_is_not_configured', 'the access token is of another issuer'],
        ['Jwt_not_yet_valid', 'the access token is not valid yet'],
      ] as const
    ).map(([what, message]) => auth(failed(what), 401, 'token_invalid', message, 'invalid_token')),
    auth(
      `response.code_details.startsWith('${JWT}')`,
      401,
      'token_invalid',
      'the access token cannot be verified',
      'invalid_token',
    ),
    auth(
      denied('client-unknown'),
      403,
      'client_unknown',
      'the client is not registered for this server',
      'invalid_token',
    ),
    ...recordRefusals(route),
    rpc(route, detailsAre('local_rate_limited'), 429, 'rate_limited', 'too many requests; try again in a second', {
      'retry-after': '1',
    }),
    rpc(route, detailsAre('direct_response') + ` && response.code == 405`, 405, 'method_not_allowed', 'use POST', {
      allow: 'GET, POST, DELETE',
    }),
  ]
}

/** In the words that the server itself would use: they come from the same function. */
function recordRefusals(route: EdgeRoute): readonly Refusal[] {
  return serverDenials(route.record).flatMap(({ rule, tool, code, reason }) => {
    // A workload does not come through the edge.
    if (rule === 'server-workload') return []
    const place = tool === undefined ? undefined : route.record.tools.findIndex(({ name }) => name === tool)
    return [{ ...rpc(route, detailsAre(denialDetails(rule, place)), 403, code, reason), rule }]
  })
}

/** A server that does not answer. What it answered itself, of whatever status, is passed on as it is. */
const upstreamRefusals: readonly Refusal[] = [
  {
    when: `response.code_details.startsWith('upstream_reset_before_response_started') || response.code_details in ['no_healthy_upstream', 'cluster_not_found', 'maintenance_mode', 'upstream_response_timeout']`,
    status: 503,
    code: 'server_unreachable',
    message: 'the server does not answer',
    form: 'json-rpc',
    headers: { 'retry-after': '2' },
  },
  plain(
    `response.code_details == 'http.invalid_authority'`,
    403,
    'host_refused',
    'the Host header names another server',
  ),
  plain(`xds.route_name == 'edge/host'`, 403, 'host_refused', 'the Host header names another server'),
  plain(`xds.route_name == 'edge/nothing'`, 404, 'not_found', 'there is nothing here'),
]

function plain(when: string, status: number, code: string, message: string): Refusal {
  return { when, status, code, message, form: 'http' }
}

function rpc(
  { id }: EdgeRoute,
  when: string,
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  return { when: `xds.route_name.startsWith('${id}/') && ${when}`, status, code, message, form: 'json-rpc', headers }
}

function detailsAre(details: string): string {
  return `response.code_details == '${details}'`
}

/** As the servers challenge: both schemes in one header, Bearer first (RFC 6750 section 3, RFC 9449 section 7.1, RFC 9728 section 5.1). */
function challenge(resource: string, error: string | undefined, description: string): Readonly<Record<string, string>> {
  const shared = [
    ...(error === undefined ? [] : [`error="${error}"`, `error_description="${description}"`]),
    `resource_metadata="${resourceMetadataUrl(resource)}"`,
  ].join(', ')
  return { 'www-authenticate': `Bearer ${shared}, DPoP algs="ES256", ${shared}` }
}
