import { EDGE_HEADERS } from '@gatehouse/contracts'
import type { EdgeOptions } from './edge-options.ts'
import type { EdgeRoute } from './edge-route.ts'
import { duration, type EnvoyData, extension, typed } from './envoy-data.ts'

const JWT_FILTER = 'envoy.filters.http.jwt_authn'
export const ISSUER_CLUSTER = 'issuer'
const TYPE = 'envoy.extensions.filters.http.jwt_authn.v3'

/** Seconds by which clocks may differ, as the servers have it. */
const CLOCK_SKEW = 30
const KEYS_REFRESH = 10

/** Envoy compares prefixes by case, while a scheme has none (RFC 9110 section 11.1): these spellings, and no other, are in use. */
export const SCHEMES = ['Bearer', 'bearer', 'BEARER', 'DPoP', 'dpop', 'DPOP'] as const

/** Verifies the token of each request to an MCP endpoint, and says to the server whose it is. */
export function authentication(routes: readonly EdgeRoute[], options: EdgeOptions): EnvoyData {
  return extension(JWT_FILTER, `${TYPE}.JwtAuthentication`, {
    providers: Object.fromEntries(routes.map((route) => [route.id, provider(route, options)])),
    // The edge says in its own words what is wrong (`refusals.ts`); Envoy's challenge would also stand beside a fault that is not the client's.
    strip_failure_response: true,
    requirement_map: Object.fromEntries(routes.map(({ id }) => [id, { provider_name: id }])),
  })
}

/** Bound to the route itself: a path that was compared in two ways could be two paths. */
export function requiresToken({ id }: EdgeRoute): EnvoyData {
  return { [JWT_FILTER]: typed(`${TYPE}.PerRouteConfig`, { requirement_name: id }) }
}

export const requiresNoToken: EnvoyData = { [JWT_FILTER]: typed(`${TYPE}.PerRouteConfig`, { disabled: true }) }

function provider({ record }: EdgeRoute, { issuer, keysRefresh = KEYS_REFRESH }: EdgeOptions): EnvoyData {
  return {
    issuer: issuer.issuer,
    audiences: [record.url],
    require_expiration: true,
    clock_skew_seconds: CLOCK_SKEW,
    remote_jwks: {
      http_uri: { uri: issuer.jwksUri, cluster: ISSUER_CLUSTER, timeout: duration(3) },
      // Envoy does not look for new keys when it meets an unknown one, so they are fetched often.
      cache_duration: duration(keysRefresh),
      // In the background, so that no request waits; keys that were fetched once stay while the issuer is away. An issuer that is down when the
      // edge starts must not keep the listener closed.
      async_fetch: { fast_listener: true, failed_refetch_duration: duration(1) },
    },
    from_headers: SCHEMES.map((scheme) => ({ name: 'authorization', value_prefix: `${scheme} ` })),
    // The server needs it for `ath` of the DPoP proof (RFC 9449 section 4.3), and compares it with what the headers say.
    forward: true,
    payload_in_metadata: CLAIMS,
    claim_to_headers: [
      { header_name: EDGE_HEADERS.user, claim_name: 'sub' },
      { header_name: EDGE_HEADERS.groups, claim_name: 'groups' },
      { header_name: EDGE_HEADERS.client, claim_name: 'client_id' },
      { header_name: EDGE_HEADERS.expires, claim_name: 'exp' },
      { header_name: EDGE_HEADERS.thumbprint, claim_name: 'cnf.jkt' },
    ],
  }
}

/** Key of the verified claims in the request's metadata. */
const CLAIMS = 'claims'

/** Matches a request by a claim of its verified token. @param value a `ValueMatcher` */
export function claim(path: readonly string[], value: EnvoyData): EnvoyData {
  return {
    sourced_metadata: {
      metadata_matcher: { filter: JWT_FILTER, path: [CLAIMS, ...path].map((key) => ({ key })), value },
    },
  }
}

/** Format of a claim of the verified token for the access log. */
export function loggedClaim(...path: readonly string[]): string {
  return `%DYNAMIC_METADATA(${[JWT_FILTER, CLAIMS, ...path].join(':')}):256%`
}

/** The same of a claim that is a list: cut short it would be none. */
export function loggedList(...path: readonly string[]): string {
  return `%DYNAMIC_METADATA(${[JWT_FILTER, CLAIMS, ...path].join(':')})%`
}
