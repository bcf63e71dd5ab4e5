/** What the edge has to say and do as the servers behind it: light enough for a command line, which needs no policy engine and no server. */
export { type AuditInput, buildAuditEvent } from './audit/event.ts'
export { createShipper } from './audit/shipper.ts'
export { ShipError } from './audit/ship-error.ts'
export { type RecordDenial, serverDenials } from './decide/denials.ts'
export { resourceMetadataUrl } from './tokens/auth-error.ts'
