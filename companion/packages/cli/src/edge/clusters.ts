import { ISSUER_CLUSTER } from './authentication.ts'
import type { EdgeIdentity, EdgeOptions } from './edge-options.ts'
import type { EdgeRoute } from './edge-route.ts'
import { duration, type EnvoyData, extension, typed } from './envoy-data.ts'
import { SPIRE_CLUSTER, upstreamTls } from './upstream-tls.ts'

const HTTP = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'
/** Authorities that come with the system, on Debian and in Envoy's own images. */
const SYSTEM_AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt'

/** Everything that the edge connects to: the servers, the issuer, and SPIRE's agent where it gives the identity. */
export function clusters(routes: readonly EdgeRoute[], options: EdgeOptions): readonly EnvoyData[] {
  return [
    ...routes.map((route) => serverCluster(route, options)),
    issuerCluster(options),
    ...spireCluster(options.identity),
  ]
}

function serverCluster({ id, upstream }: EdgeRoute, options: EdgeOptions): EnvoyData {
  const common = {
    name: id,
    connect_timeout: duration(3),
    typed_extension_protocol_options: {
      [HTTP]: typed(HTTP, {
        // Node closes a connection that was idle for five seconds: the edge must let go of it first, or a request meets the end of its connection.
        common_http_protocol_options: { idle_timeout: duration(4) },
        explicit_http_config: { http_protocol_options: {} },
      }),
    },
    // As many as one server takes (the kit's limits): what is beyond waits or is refused there, in its own words.
    circuit_breakers: { thresholds: [{ max_connections: 2_000, max_pending_requests: 2_000, max_requests: 2_000 }] },
  }
  if (upstream.kind === 'unix')
    return { ...common, type: 'STATIC', load_assignment: endpoint(id, { pipe: { path: upstream.path } }) }
  const { host, port } = upstream
  return {
    ...common,
    type: 'STRICT_DNS',
    load_assignment: endpoint(id, { socket_address: { address: host, port_value: port } }),
    transport_socket: upstreamTls(upstream, options),
    upstream_connection_options: { tcp_keepalive: { keepalive_time: 60 } },
  }
}

function issuerCluster({ issuer, authorities = SYSTEM_AUTHORITIES }: EdgeOptions): EnvoyData {
  const { hostname, port, protocol } = new URL(issuer.jwksUri)
  const secure = protocol === 'https:'
  const address = hostname.replace(/^\[|\]$/g, '')
  return {
    name: ISSUER_CLUSTER,
    type: 'STRICT_DNS',
    connect_timeout: duration(3),
    load_assignment: endpoint(ISSUER_CLUSTER, {
      socket_address: { address, port_value: port === '' ? (secure ? 443 : 80) : Number(port) },
    }),
    ...(secure && {
      transport_socket: extension(
        'envoy.transport_sockets.tls',
        'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
        {
          sni: hostname,
          common_tls_context: {
            validation_context: {
              trusted_ca: { filename: authorities },
              match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: hostname } }],
            },
          },
        },
      ),
    }),
  }
}

/** The agent's socket speaks SDS as well as the Workload API. */
function spireCluster(identity: EdgeIdentity | undefined): readonly EnvoyData[] {
  if (identity?.kind !== 'spire') return []
  return [
    {
      name: SPIRE_CLUSTER,
      type: 'STATIC',
      connect_timeout: duration(3),
      typed_extension_protocol_options: {
        [HTTP]: typed(HTTP, { explicit_http_config: { http2_protocol_options: {} } }),
      },
      load_assignment: endpoint(SPIRE_CLUSTER, { pipe: { path: identity.agentSocket } }),
    },
  ]
}

function endpoint(name: string, address: EnvoyData): EnvoyData {
  return { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] }
}
