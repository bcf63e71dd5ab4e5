import { GatehouseError } from '@gatehouse/contracts'

/**
 * Why there is no edge: `record_not_listed`, `record_environment` (a record of another environment), `record_address` (a server whose URL is not
 * below the edge's), `edge_identity_missing` (a server over mutual TLS, and nothing to show it), `envoy_missing`, `envoy_failed`,
 * `issuer_invalid`.
 */
export class EdgeError extends GatehouseError {}
