import { authentication } from './authentication.ts'
import { accessCheck, shapeCheck } from './authorization.ts'
import type { EdgeOptions } from './edge-options.ts'
import { edgeLog } from './edge-log.ts'
import type { EdgeRoute } from './edge-route.ts'
import { duration, type EnvoyData, extension, fromFile } from './envoy-data.ts'
import { noteClientCert, removeIdentityHeaders } from './identity-headers.ts'
import { localReplies } from './local-replies.ts'
import { rateLimit } from './rate-limit.ts'
import { refusals } from './refusals.ts'
import { ROUTES, ROUTES_FILE } from './routes.ts'

/** The one door: where clients come in, and every check on the way. */
export function listener(routes: readonly EdgeRoute[], options: EdgeOptions): EnvoyData {
  const { listen, tls } = options
  return {
    name: 'edge',
    address: { socket_address: { address: listen.host, port_value: listen.port } },
    per_connection_buffer_limit_bytes: 1024 * 1024,
    filter_chains: [
      {
        filters: [
          extension(
            'envoy.filters.network.http_connection_manager',
            'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
            connectionManager(routes, options),
          ),
        ],
        ...(tls && {
          transport_socket: extension(
            'envoy.transport_sockets.tls',
            'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
            {
              common_tls_context: {
                tls_params: { tls_minimum_protocol_version: 'TLSv1_2' },
                alpn_protocols: ['h2', 'http/1.1'],
                tls_certificates: [
                  { certificate_chain: { filename: tls.certificate }, private_key: { filename: tls.key } },
                ],
              },
            },
          ),
        }),
      },
    ],
  }
}

/** Sizes and times of the first lines are those of the servers' own listeners (the kit's `DEFAULT_HTTP_LIMITS`). */
function connectionManager(routes: readonly EdgeRoute[], options: EdgeOptions): EnvoyData {
  return {
    stat_prefix: 'edge',
    server_name: 'gatehouse',
    max_request_headers_kb: 32,
    request_headers_timeout: duration(15),
    request_timeout: duration(60),
    // Of a stream on which nothing moves; the routes of the endpoints have a longer one.
    stream_idle_timeout: duration(options.idleTime ?? 60),
    common_http_protocol_options: {
      max_headers_count: 100,
      idle_timeout: duration(300),
      // `x_forwarded_user` is the same header to CGI-like servers, and another one to a filter (Envoy, "edge best practices").
      headers_with_underscores_action: 'REJECT_REQUEST',
    },
    http2_protocol_options: {
      max_concurrent_streams: 100,
      initial_stream_window_size: 65_536,
      initial_connection_window_size: 1024 * 1024,
    },
    // Two ways to write one path must not be two paths to a rule (Envoy, "edge best practices").
    normalize_path: true,
    merge_slashes: true,
    path_with_escaped_slashes_action: 'REJECT_REQUEST',
    strip_trailing_host_dot: true,
    // The edge is the first hop: what a client says of the hops before is not believed.
    use_remote_address: true,
    xff_num_trusted_hops: 0,
    skip_xff_append: false,
    forward_client_cert_details: 'SANITIZE_SET',
    set_current_client_cert_details: { uri: true },
    early_header_mutation_extensions: [noteClientCert],
    generate_request_id: true,
    // An id from outside could be made to equal another's in the logs.
    preserve_external_request_id: false,
    access_log: [edgeLog],
    local_reply_config: localReplies(refusals(routes)),
    // Routes carry the rules of the records. From a file of their own they hold for the next request of every connection, while a changed listener
    // leaves the old ones to connections that are open.
    rds: { route_config_name: ROUTES, config_source: fromFile(options.folder, ROUTES_FILE) },
    http_filters: [
      shapeCheck,
      removeIdentityHeaders,
      rateLimit,
      authentication(routes, options),
      accessCheck,
      extension('envoy.filters.http.router', 'envoy.extensions.filters.http.router.v3.Router', {
        // What servers need of Envoy's own knowledge they have in `x-forwarded-for` and `x-request-id`.
        suppress_envoy_headers: true,
      }),
    ],
  }
}
