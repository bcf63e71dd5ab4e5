import { PrivateJwk } from '@gatehouse/contracts'
import { z } from 'zod'
import { ClientIdentity } from './client-identity.ts'
import type { SecretStore } from './types.ts'

const StoredSession = z.object({
  clientId: z.string(),
  clientSecret: ClientIdentity.shape.secret,
  /** None from a provider that gives none: such a sign-in lasts as long as its access token. */
  refreshToken: z.string().min(1).optional(),
  /** Asked for at the sign-in. */
  scopes: z.array(z.string()).default([]),
  /** See `SignInEnd`. */
  end: z.object({ at: z.number(), saidAt: z.number(), isFixed: z.boolean() }).optional(),
  account: z.object({ subject: z.string(), name: z.string(), groups: z.array(z.string()), issuer: z.string() }),
})
export type StoredSession = z.infer<typeof StoredSession>

/** What the session keeps in the secret store, by name and shape. Credentials are keyed by issuer, so none reaches another (AUTH-1). */
export interface Vault {
  /** The issuer a registry was last signed in with. */
  issuerOf(registry: string): Promise<string | undefined>
  session(issuer: string): Promise<StoredSession | undefined>
  save(registry: string, session: StoredSession): Promise<void>
  erase(issuer: string): Promise<void>
  key(issuer: string): Promise<PrivateJwk | undefined>
  saveKey(issuer: string, key: PrivateJwk): Promise<void>
  eraseKey(issuer: string): Promise<void>
  /** What a dynamic registration with this issuer gave. */
  client(issuer: string): Promise<ClientIdentity | undefined>
  saveClient(issuer: string, client: ClientIdentity): Promise<void>
  eraseClient(issuer: string): Promise<void>
}

export function createVault(store: SecretStore): Vault {
  /** An entry of another shape (of an older version, or damaged) counts as none: the person signs in again. */
  const read = async <T>(key: string, shape: z.ZodType<T>): Promise<T | undefined> => {
    const text = await store.get(key)
    if (text === undefined) return undefined
    try {
      return shape.parse(JSON.parse(text))
    } catch {
      return undefined
    }
  }
  return {
    issuerOf: (registry) => read(`issuer ${registry}`, z.string()),
    session: (issuer) => read(`session ${issuer}`, StoredSession),
    save: async (registry, session) => {
      await store.set(`session ${session.account.issuer}`, JSON.stringify(session))
      const text = JSON.stringify(session.account.issuer)
      if ((await store.get(`issuer ${registry}`)) !== text) await store.set(`issuer ${registry}`, text)
    },
    erase: (issuer) => store.delete(`session ${issuer}`),
    key: (issuer) => read(`device-key ${issuer}`, PrivateJwk),
    saveKey: (issuer, key) => store.set(`device-key ${issuer}`, JSON.stringify(key)),
    eraseKey: (issuer) => store.delete(`device-key ${issuer}`),
    client: (issuer) => read(`client ${issuer}`, ClientIdentity),
    saveClient: (issuer, client) => store.set(`client ${issuer}`, JSON.stringify(client)),
    eraseClient: (issuer) => store.delete(`client ${issuer}`),
  }
}
