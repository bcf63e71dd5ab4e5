export type { IdentityConfig } from './config.ts'
export { IdentityError } from './errors.ts'
export { type Identity, startIdentity } from './identity.ts'
export { LOCAL_PASSWORD, people, type Person } from './people.ts'
