import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { IdentityError } from './errors.ts'

const SCHEMA_VERSION = 1
const SCHEMA = `
  CREATE TABLE artifact (
    model TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL,
    grant_id TEXT, uid TEXT, user_code TEXT, consumed_at INTEGER, expires_at INTEGER,
    PRIMARY KEY (model, id)
  ) WITHOUT ROWID;
  CREATE INDEX artifact_grant ON artifact (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX artifact_expiry ON artifact (expires_at) WHERE expires_at IS NOT NULL;
  CREATE TABLE secret (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  PRAGMA user_version = ${SCHEMA_VERSION};
`

/**
 * The provider's own database: one file, readable by its user alone, since it holds signing keys and refresh tokens. The exclusive lock
 * keeps a second provider off the same folder, and the operating system frees it however this process ends.
 * @throws IdentityError `data_folder_unusable`, `data_folder_in_use`, `data_folder_broken`
 */
export function openDataFolder(folder: string): DatabaseSync {
  const file = join(folder, 'identity.sqlite')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    closeSync(openSync(file, 'a', 0o600))
    chmodSync(file, 0o600)
  } catch (cause) {
    throw new IdentityError('data_folder_unusable', `cannot write to the data folder ${folder}`, { cause })
  }
  try {
    const database = new DatabaseSync(file)
    // Before the first read: with an exclusive lock SQLite keeps the write-ahead index in memory and no second process can open it.
    database.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE; COMMIT',
    )
    migrate(database, folder)
    return database
  } catch (cause) {
    if (cause instanceof IdentityError) throw cause
    if (cause instanceof Error && cause.message.includes('locked')) {
      throw new IdentityError('data_folder_in_use', `another identity provider uses the data folder ${folder}`, {
        cause,
      })
    }
    throw new IdentityError('data_folder_broken', `${file} is not a readable database`, { cause })
  }
}

function migrate(database: DatabaseSync, folder: string): void {
  const version = database.prepare('PRAGMA user_version').get()?.['user_version']
  if (version === SCHEMA_VERSION) return
  if (version !== 0) {
    throw new IdentityError(
      'data_folder_broken',
      `the data folder ${folder} is of another version (${String(version)})`,
    )
  }
  database.exec(`BEGIN; ${SCHEMA} COMMIT`)
}
