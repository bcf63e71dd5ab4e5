import { loggedClaim, loggedList } from './authentication.ts'
import { type EnvoyData, extension } from './envoy-data.ts'
import { REFUSAL_HEADER } from './local-replies.ts'

/**
 * One line of JSON for each request, on standard output. Of the headers only those that say what is asked; never Authorization, DPoP, cookies or
 * the query. Person and client are there once their token is verified. `null` for what a request has not.
 */
export const edgeLog: EnvoyData = extension(
  'gatehouse.access_log',
  'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog',
  {
    log_format: {
      json_format: {
        kind: 'access',
        at: '%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%',
        server: '%METADATA(ROUTE:gatehouse:server)%',
        from: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%',
        subject: loggedClaim('sub'),
        client: loggedClaim('client_id'),
        thumbprint: loggedClaim('cnf', 'jkt'),
        groups: loggedList('groups'),
        method: '%REQ(:METHOD):16%',
        path: '%PATH(NQ:PATH):256%',
        mcpMethod: '%REQ(MCP-METHOD):128%',
        mcpName: '%REQ(MCP-NAME):256%',
        protocolVersion: '%REQ(MCP-PROTOCOL-VERSION):32%',
        status: '%RESPONSE_CODE%',
        code: `%RESP(${REFUSAL_HEADER}):64%`,
        details: '%RESPONSE_CODE_DETAILS%',
        flags: '%RESPONSE_FLAGS%',
        upstreamFault: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
        requestId: '%REQ(X-REQUEST-ID):64%',
        traceparent: '%REQ(TRACEPARENT):64%',
        bytesReceived: '%BYTES_RECEIVED%',
        bytesSent: '%BYTES_SENT%',
        durationMs: '%DURATION%',
      },
    },
  },
)
