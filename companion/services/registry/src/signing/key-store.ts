import { PrivateJwk } from '@gatehouse/contracts'
import { type Kysely, sql } from 'kysely'
import type { RegistryTables } from '../database/tables.ts'
import { RegistryError } from '../registry-error.ts'
import { generateJwk, type SigningKey, signingKey } from './signing-key.ts'

export interface SigningKeys {
  /** The newest: what signs. */
  readonly current: SigningKey
  /** All that may have signed something that still lives; published as the JWKS. */
  readonly all: readonly SigningKey[]
}

/**
 * The registry's ES256 keys. They live in its database, since every replica must sign as the same registry and a restart must not
 * invalidate what clients hold. The first one is made here, once, whichever replica comes first.
 * @throws RegistryError `signing_key_invalid`
 */
export async function loadSigningKeys(database: Kysely<RegistryTables>): Promise<SigningKeys> {
  return database.transaction().execute(async (transaction) => {
    await sql`lock table signing_keys in share row exclusive mode`.execute(transaction)
    const rows = await transaction.selectFrom('signing_keys').selectAll().orderBy('created_at', 'desc').execute()
    const all = await Promise.all(rows.map((row) => signingKey(readJwk(row.jwk))))
    const [newest] = all
    if (newest) return { current: newest, all }
    const jwk = await generateJwk()
    const current = await signingKey(jwk)
    await transaction
      .insertInto('signing_keys')
      .values({ kid: current.kid, jwk: JSON.stringify(jwk) })
      .execute()
    return { current, all: [current] }
  })
}

function readJwk(value: unknown): PrivateJwk {
  const parsed = PrivateJwk.safeParse(value)
  // The issues of the parse would show parts of the key.
  if (!parsed.success) throw new RegistryError('signing_key_invalid', 'the stored signing key is not an ES256 JWK')
  return parsed.data
}
