import { requiresNoToken, requiresToken } from './authentication.ts'
import { accessTo, openToAll } from './authorization.ts'
import type { EdgeOptions } from './edge-options.ts'
import type { EdgeRoute } from './edge-route.ts'
import { duration, type EnvoyData } from './envoy-data.ts'
import { rateOf } from './rate-limit.ts'

export const ROUTES_FILE = 'routes.json'
/** Name of the configuration. */
export const ROUTES = 'edge'
const METHODS = 'GET|POST|DELETE'
/** A stream may be quiet for long; the servers write a comment every 15 seconds where they can, and end calls after five minutes. */
const QUIET = duration(3_600)
const OPEN = { ...requiresNoToken, ...openToAll }

/** All paths of the edge; whatever is not among them is not there. */
export function routeConfig(routes: readonly EdgeRoute[], options: EdgeOptions): EnvoyData {
  return {
    name: ROUTES,
    virtual_hosts: [
      {
        name: 'edge',
        domains: domainsOf(options.publicUrl),
        routes: [...routes.flatMap((route) => serverRoutes(route, options)), health, answer('edge/nothing', 404)],
      },
      // A page that a browser was tricked into comes with another name (DNS rebinding).
      { name: 'others', domains: ['*'], routes: [answer('edge/host', 403)] },
    ],
  }
}

/** A client may name the scheme's own port or leave it out (RFC 9110 section 4.2.3). */
function domainsOf(publicUrl: string): readonly string[] {
  const { host, port, protocol } = new URL(publicUrl)
  return port === '' ? [host, `${host}:${protocol === 'https:' ? 443 : 80}`] : [host]
}

function serverRoutes(route: EdgeRoute, options: EdgeOptions): readonly EnvoyData[] {
  const { id, base, path, metadata } = route
  const guarded = { ...requiresToken(route), ...accessTo(route), ...rateOf(options) }
  const endpoint = {
    cluster: id,
    prefix_rewrite: '/mcp',
    // Of a whole answer: none, for an answer may be a stream. The server has a limit for each call.
    timeout: duration(0),
    idle_timeout: QUIET,
    // Only what was never sent, such as over a connection that the server closed meanwhile: a call must not run twice.
    retry_policy: { retry_on: 'connect-failure,reset-before-request', num_retries: 1 },
  }
  return [
    named(route, 'mcp', { path, headers: [methods(METHODS)] }, { route: endpoint, typed_per_filter_config: guarded }),
    named(route, 'method', { path }, { direct_response: { status: 405 }, typed_per_filter_config: guarded }),
    open(route, 'metadata', metadata, '/.well-known/oauth-protected-resource/mcp'),
    open(route, 'record', `${base}/.well-known/gatehouse-server`, '/.well-known/gatehouse-server'),
    open(route, 'health', `${base}/healthz`, '/healthz'),
  ]
}

function open(route: EdgeRoute, what: string, path: string, rewritten: string): EnvoyData {
  return named(
    route,
    what,
    { path, headers: [methods('GET')] },
    {
      route: { cluster: route.id, prefix_rewrite: rewritten, timeout: duration(10) },
      typed_per_filter_config: OPEN,
    },
  )
}

/** `SERVER/WHAT`, by which refusals know whose they are. */
function named({ id }: EdgeRoute, what: string, match: EnvoyData, action: EnvoyData): EnvoyData {
  return { name: `${id}/${what}`, match, metadata: { filter_metadata: { gatehouse: { server: id } } }, ...action }
}

function methods(regex: string): EnvoyData {
  return { name: ':method', string_match: { safe_regex: { regex } } }
}

const health: EnvoyData = {
  name: 'edge/health',
  match: { path: '/healthz' },
  direct_response: { status: 200, body: { inline_string: '{"status":"ok"}' } },
  typed_per_filter_config: OPEN,
}

function answer(name: string, status: number): EnvoyData {
  return { name, match: { prefix: '/' }, direct_response: { status }, typed_per_filter_config: OPEN }
}
