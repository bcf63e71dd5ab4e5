import { EDGE_HEADERS, FOREIGN_IDENTITY_HEADERS } from '@gatehouse/contracts'
import { type EnvoyData, extension } from './envoy-data.ts'
import { hasHeader, some } from './match.ts'

const CLIENT_CERT = 'x-forwarded-client-cert'
/** Where the client's own `x-forwarded-client-cert` is kept until it is refused. */
const SEEN_CERT = 'x-gatehouse-seen-client-cert'
const NAMES: readonly string[] = [...Object.values(EDGE_HEADERS), ...FOREIGN_IDENTITY_HEADERS, SEEN_CERT]

/**
 * Envoy takes the client's `x-forwarded-client-cert` away before any filter can see it (`SANITIZE_SET`); whoever sends one is to be refused as
 * without the edge, so it is noted first.
 */
export const noteClientCert: EnvoyData = extension(
  'envoy.http.early_header_mutation.header_mutation',
  'envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation',
  {
    mutations: [
      {
        append: {
          header: { key: SEEN_CERT, value: `%REQ(${CLIENT_CERT})%` },
          append_action: 'APPEND_IF_EXISTS_OR_ADD',
        },
      },
    ],
  },
)

/**
 * A request whose headers say who calls. Names are in lower case by now, and those with `_` were refused by the connection itself; with `.` for `-`
 * they are other names to Envoy and the same ones to some servers.
 */
export const saysWhoCalls: EnvoyData = some(NAMES.flatMap((name) => [name, name.replaceAll('-', '.')]).map(hasHeader))

/**
 * A second line, should the refusal ever be lost: a claim that a token lacks is written to no header, and what a client sent under that name would
 * stay (`claim_to_headers` overwrites only what it has).
 */
export const removeIdentityHeaders: EnvoyData = extension(
  'gatehouse.identity_headers',
  'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation',
  { mutations: { request_mutations: NAMES.filter((name) => name !== CLIENT_CERT).map((remove) => ({ remove })) } },
)
