import { type RequestListener } from 'node:http'
import { createLogger, createTokenVerifier, listen, type Logger, migrate, openDatabase } from '@gatehouse/kit'
import { getRequestListener } from '@hono/node-server'
import { sql } from 'kysely'
import { AuditStore } from './audit/audit-store.ts'
import { DEFAULT_CLIENTS, DEFAULT_LIST_LIFE, DEFAULT_RECORD_LIFE, type RegistryConfig } from './config.ts'
import { migrations, SCHEMA } from './database/migrations.ts'
import type { RegistryTables } from './database/tables.ts'
import { Decisions } from './decisions/decisions.ts'
import { Policies } from './decisions/policies.ts'
import { createApp } from './http/app.ts'
import { OfficialService } from './official/official-service.ts'
import { RegistryService } from './registry-service.ts'
import { ServerStore } from './servers/server-store.ts'
import { VersionStore } from './servers/version-store.ts'
import { loadSigningKeys } from './signing/key-store.ts'

export interface RunningRegistry {
  readonly url: string
  /** Lets requests in flight finish, then closes the database. */
  stop(): Promise<void>
}

export interface Surroundings {
  readonly log?: Logger
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

/**
 * Starts a registry: database, stores, services, app, listening.
 * @throws GatehouseError `database_unreachable`, `migration_failed`, `signing_key_invalid`, `port_in_use`
 */
export async function startRegistry(config: RegistryConfig, surroundings: Surroundings = {}): Promise<RunningRegistry> {
  const { log = createLogger('registry'), now = Date.now } = surroundings
  const database = openDatabase<RegistryTables>(config.databaseUrl, { schema: SCHEMA })
  try {
    await migrate(database, migrations, SCHEMA)
    const keys = await loadSigningKeys(database)
    const servers = new ServerStore(database, log)
    const audit = new AuditStore(database)
    const clients = config.clients ?? DEFAULT_CLIENTS
    const decisions = new Decisions(new Policies(log), clients)
    const official = new OfficialService(servers, new VersionStore(database), decisions)

    // The public URL may be known only once a port is; nothing can arrive before the handler is set, in this same turn.
    let handle: RequestListener = (_, response) => response.writeHead(503).end()
    const listening = await listen((request, response) => handle(request, response), config)
    const publicUrl = config.publicUrl ?? listening.url
    const service = new RegistryService({
      database,
      servers,
      audit,
      keys,
      decisions,
      publicUrl,
      recordLife: config.recordLife ?? DEFAULT_RECORD_LIFE,
      listLife: config.listLife ?? DEFAULT_LIST_LIFE,
      now,
    })
    const verifier = createTokenVerifier({ issuer: config.issuer, audience: publicUrl, clients: () => clients, now })
    const ping = () => sql`select 1`.execute(database)
    const app = createApp({ config, publicUrl, service, official, audit, keys, verifier, ping, log, now })
    const respond = getRequestListener(app.fetch)
    handle = (request, response) => void respond(request, response)
    log.info('listening', { url: listening.url, publicUrl, kid: keys.current.kid })
    return {
      url: listening.url,
      async stop() {
        await listening.stop()
        await database.destroy()
      },
    }
  } catch (error) {
    await database.destroy()
    throw error
  }
}
