import { dirname } from 'node:path'
import { trustDomainOf } from '@gatehouse/contracts'
import { EdgeError } from './edge-error.ts'
import type { EdgeOptions, Upstream } from './edge-options.ts'
import { type EnvoyData, extension, fromFile, typed } from './envoy-data.ts'

export const SPIRE_CLUSTER = 'spire_agent'
/** Names of the secrets that come from files. Envoy takes one secret from a file. */
const OWN = 'edge-svid'
const TRUSTED = 'servers-bundle'
const SECRET_FILES = { [OWN]: 'edge-svid.json', [TRUSTED]: 'servers-bundle.json' } as const

/**
 * Mutual TLS with one server: the edge shows its SVID and takes no other answer than the server's own SPIFFE id, exactly. A certificate of the same
 * trust domain is not enough, or each server could stand in for each other one.
 */
export function upstreamTls(
  { spiffeId }: Extract<Upstream, { kind: 'mutual-tls' }>,
  { identity, folder }: EdgeOptions,
): EnvoyData {
  if (!identity) throw new EdgeError('edge_identity_missing', 'the edge has no identity to show')
  const from = (name: keyof typeof SECRET_FILES) =>
    identity.kind === 'spire' ? FROM_SPIRE : fromFile(folder, SECRET_FILES[name])
  const own = identity.kind === 'spire' ? identity.spiffeId : OWN
  const trusted = identity.kind === 'spire' ? `spiffe://${trustDomainOf(spiffeId)}` : TRUSTED
  return extension('envoy.transport_sockets.tls', 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
    common_tls_context: {
      // Left to itself, Envoy as a client goes no further than 1.2.
      tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
      alpn_protocols: ['http/1.1'],
      tls_certificate_sds_secret_configs: [{ name: own, sds_config: from(OWN) }],
      combined_validation_context: {
        default_validation_context: {
          match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: spiffeId } }],
        },
        validation_context_sds_secret_config: { name: trusted, sds_config: from(TRUSTED) },
      },
    },
  })
}

const FROM_SPIRE: EnvoyData = {
  resource_api_version: 'V3',
  api_config_source: {
    api_type: 'GRPC',
    transport_api_version: 'V3',
    grpc_services: [{ envoy_grpc: { cluster_name: SPIRE_CLUSTER } }],
  },
}

/** The edge's SVID and the servers' authorities where they come from files, each read again when its folder changes. */
export function fileSecrets({ identity }: EdgeOptions): Readonly<Record<string, EnvoyData>> {
  if (identity?.kind !== 'files') return {}
  const { certificate, key, bundle } = identity
  return {
    [SECRET_FILES[OWN]]: secret(OWN, {
      tls_certificate: {
        certificate_chain: { filename: certificate },
        private_key: { filename: key },
        watched_directory: { path: dirname(certificate) },
      },
    }),
    [SECRET_FILES[TRUSTED]]: secret(TRUSTED, {
      validation_context: { trusted_ca: { filename: bundle }, watched_directory: { path: dirname(bundle) } },
    }),
  }
}

function secret(name: string, content: EnvoyData): EnvoyData {
  return typed('envoy.extensions.transport_sockets.tls.v3.Secret', { name, ...content })
}
