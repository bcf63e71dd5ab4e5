/** What the edge has to say and do as the servers behind it: light enough for a command line, which needs no policy engine and no server. */
export { type Courier, type Ship, startCourier } from './audit/courier.ts'
export { createShipper } from './audit/shipper.ts'
export { type RecordDenial, serverDenials } from './decide/denials.ts'
export { createLogger, type Logger } from './http/log.ts'
export { createRefusalAudit, type Refusal } from './serve/refusal-audit.ts'
export { resourceMetadataUrl } from './tokens/auth-error.ts'
