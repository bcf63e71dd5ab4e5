import type { DatabaseSync } from 'node:sqlite'
import { type Adapter, type AdapterPayload, type ClientMetadata, errors } from 'oidc-provider'
import { z } from 'zod'

/** How long an expired row is kept, seconds: the provider still tells "expired" from "unknown" within its clock tolerance. */
const KEEP_EXPIRED = 60
const PURGE_EVERY = 500
/** Life of a registration, seconds, and how many there are at most: beyond that the oldest makes room. */
const REGISTRATION_LIFE = 30 * 24 * 3600
const MOST_REGISTRATIONS = 200

const Row = z.object({ payload: z.string(), consumed_at: z.int().nullable() })
const Payload = z.record(z.string(), z.unknown())

export interface Store {
  /** Storage of one oidc-provider model. */
  adapter(model: string): Adapter
  /** Ties an access token, which is a JWT and not stored, to the grant it was issued under. */
  rememberToken(jti: string, grantId: string, expiresAt: number): void
  /** Keeps a client that registered itself (RFC 7591), for 30 days. */
  registerClient(metadata: ClientMetadata): void
  /** Grant of an access token that was issued here and has not expired. */
  grantOf(jti: string): string | undefined
}

/**
 * oidc-provider's state in SQLite. Two answers differ from a plain key-value store: what may happen once (a code, a refresh token, a
 * DPoP `jti`) happens once even when two requests race, and browser sessions are not kept, so that every sign-in asks who it is.
 */
export function createStore(database: DatabaseSync): Store {
  const now = (): number => Math.floor(Date.now() / 1000)
  const insert =
    'INSERT INTO artifact (model, id, payload, grant_id, uid, user_code, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)'
  const statements = {
    insert: database.prepare(`${insert} ON CONFLICT DO NOTHING`),
    upsert: database.prepare(
      `${insert} ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload, grant_id = excluded.grant_id, uid = excluded.uid,
       user_code = excluded.user_code, expires_at = excluded.expires_at`,
    ),
    find: database.prepare('SELECT payload, consumed_at FROM artifact WHERE model = ? AND id = ?'),
    findByUid: database.prepare('SELECT payload, consumed_at FROM artifact WHERE model = ? AND uid = ?'),
    findByUserCode: database.prepare('SELECT payload, consumed_at FROM artifact WHERE model = ? AND user_code = ?'),
    consume: database.prepare('UPDATE artifact SET consumed_at = ? WHERE model = ? AND id = ? AND consumed_at IS NULL'),
    destroy: database.prepare('DELETE FROM artifact WHERE model = ? AND id = ?'),
    revoke: database.prepare('DELETE FROM artifact WHERE model = ? AND grant_id = ?'),
    client: database.prepare(
      "SELECT payload, consumed_at FROM artifact WHERE model = 'Client' AND id = ? AND expires_at > ?",
    ),
    makeRoom: database.prepare(
      `DELETE FROM artifact WHERE model = 'Client' AND id IN (SELECT id FROM artifact WHERE model = 'Client'
       ORDER BY expires_at DESC LIMIT -1 OFFSET ?)`,
    ),
    purge: database.prepare('DELETE FROM artifact WHERE expires_at < ?'),
  }
  let writes = 0

  function write(model: string, id: string, payload: AdapterPayload, expiresIn: number | undefined): boolean {
    if (writes++ % PURGE_EVERY === 0) statements.purge.run(now() - KEEP_EXPIRED)
    const text = (key: string): string | null => {
      const value = payload[key]
      return typeof value === 'string' ? value : null
    }
    const once = model === 'ReplayDetection'
    const { changes } = statements[once ? 'insert' : 'upsert'].run(
      model,
      id,
      JSON.stringify(payload),
      text('grantId'),
      text('uid'),
      text('userCode'),
      expiresIn === undefined ? null : now() + expiresIn,
    )
    return changes === 1
  }

  function read(row: unknown): AdapterPayload | undefined {
    if (row === undefined) return undefined
    const { payload, consumed_at: consumed } = Row.parse(row)
    const value = Payload.parse(JSON.parse(payload))
    return consumed === null ? value : { ...value, consumed }
  }

  function stored(model: string): Adapter {
    return {
      async upsert(id, payload, expiresIn) {
        if (!write(model, id, payload, expiresIn)) throw new errors.InvalidGrant('DPoP proof JWT Replay detected')
      },
      find: async (id) => read(statements.find.get(model, id)),
      findByUid: async (uid) => read(statements.findByUid.get(model, uid)),
      findByUserCode: async (code) => read(statements.findByUserCode.get(model, code)),
      async consume(id) {
        if (statements.consume.run(now(), model, id).changes !== 1) throw new errors.InvalidGrant('already used')
      },
      async destroy(id) {
        statements.destroy.run(model, id)
      },
      async revokeByGrantId(grantId) {
        statements.revoke.run(model, grantId)
      },
    }
  }

  /** oidc-provider only reads clients: it does not know that they expire. */
  const clients: Adapter = { ...unkept, find: async (id) => read(statements.client.get(id, now())) }

  function adapter(model: string): Adapter {
    if (model === 'Client') return clients
    return model === 'Session' ? unkept : stored(model)
  }

  return {
    adapter,
    registerClient(metadata) {
      write('Client', metadata.client_id, { ...metadata }, REGISTRATION_LIFE)
      statements.makeRoom.run(MOST_REGISTRATIONS)
    },
    rememberToken(jti, grantId, expiresAt) {
      write('IssuedToken', jti, { grantId }, expiresAt - now())
    },
    grantOf(jti) {
      const grantId = read(statements.find.get('IssuedToken', jti))?.['grantId']
      return typeof grantId === 'string' ? grantId : undefined
    },
  }
}

const unkept: Adapter = {
  upsert: async () => undefined,
  find: async () => undefined,
  findByUid: async () => undefined,
  findByUserCode: async () => undefined,
  consume: async () => undefined,
  destroy: async () => undefined,
  revokeByGrantId: async () => undefined,
}
