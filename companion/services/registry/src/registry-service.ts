import { randomUUID } from 'node:crypto'
import {
  type AuditEvent,
  type AuthorizeAnswer,
  type AuthorizeQuestion,
  digestOf,
  LIST_TYP,
  RECORD_TYP,
  ServerId,
  type ServerRecord,
  type UserCaller,
} from '@gatehouse/contracts'
import { HttpProblem } from '@gatehouse/kit'
import type { Kysely } from 'kysely'
import type { AuditStore } from './audit/audit-store.ts'
import type { RegistryTables } from './database/tables.ts'
import { answersTo } from './decisions/authorize.ts'
import type { Decisions } from './decisions/decisions.ts'
import { listEtag, matches } from './lists/etag.ts'
import { listFor } from './lists/listing.ts'
import type { ServerStore } from './servers/server-store.ts'
import type { StoredServer } from './servers/stored-server.ts'
import type { SigningKeys } from './signing/key-store.ts'

/** Whose word suspends a server. */
export const ADMIN_GROUP = 'registry-admins'

export interface RegistryServiceOptions {
  readonly database: Kysely<RegistryTables>
  readonly servers: ServerStore
  readonly audit: AuditStore
  readonly keys: SigningKeys
  readonly decisions: Decisions
  /** `iss` of what is signed. */
  readonly publicUrl: string
  /** Seconds. */
  readonly recordLife: number
  /** Seconds. */
  readonly listLife: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Who asks, and from where. */
export interface Asking {
  readonly caller: UserCaller
  /** Remote address as the transport saw it. */
  readonly from: string | undefined
}

export type ListAnswer =
  | { readonly kind: 'list'; readonly etag: string; readonly jws: string }
  | { readonly kind: 'not-modified'; readonly etag: string }

/** What the registry decides and signs. Every decision is in the audit log before its answer leaves. */
export class RegistryService {
  constructor(private readonly options: RegistryServiceOptions) {}

  /** The approved list for one caller (REG-5). */
  async list({ caller, from }: Asking, ifNoneMatch: string | undefined): Promise<ListAnswer> {
    const { servers, audit, keys, decisions, publicUrl, listLife } = this.options
    const started = this.options.now()
    const listed = listFor(caller, await servers.all(), decisions)
    const iat = Math.floor(started / 1000)
    const { subject, client, channel } = caller
    const version = { subject, client, channel, kid: keys.current.kid, servers: listed }
    const etag = listEtag(version, listLife, iat)
    const unchanged = matches(ifNoneMatch, etag)
    const jws = unchanged
      ? undefined
      : await keys.current.sign(LIST_TYP, {
          iss: publicUrl,
          sub: caller.subject,
          aud: caller.client,
          iat,
          exp: iat + listLife,
          servers: listed,
        })
    const event = this.#event({
      action: 'list',
      caller,
      from,
      decision: { allowed: true, reason: 'filtered to the caller', rule: 'list' },
      outcome: unchanged ? 'not_modified' : 'ok',
      started,
      ...(jws !== undefined && { output: { bytes: jws.length, digest: digestOf(jws), excerpt: '' } }),
    })
    await audit.append([event], new Date(this.options.now()))
    return jws === undefined ? { kind: 'not-modified', etag } : { kind: 'list', etag, jws }
  }

  /**
   * What each server would decide of the caller. One event for all questions: an answer opens nothing, the server decides and records again when
   * it is called, and a batch must not be a way to flood the log. Its digest is over the questions whole; their arguments are not kept.
   */
  async authorize({ caller, from }: Asking, questions: readonly AuthorizeQuestion[]): Promise<AuthorizeAnswer[]> {
    const { servers, audit, decisions } = this.options
    const started = this.options.now()
    const answers = answersTo(questions, caller, await servers.all(), decisions)
    const allowed = answers.filter((answer) => answer.allowed).length
    const event = this.#event({
      action: 'read',
      tool: 'authorize',
      caller,
      from,
      arguments: { questions: questions.length, allowed, servers: [...new Set(questions.map(({ server }) => server))] },
      decision: { allowed: true, reason: 'answered for the caller alone', rule: 'authorize' },
      outcome: 'ok',
      started,
    })
    await audit.append([{ ...event, argumentsDigest: digestOf(questions) }], new Date(this.options.now()))
    return answers
  }

  /**
   * The signed record that a server needs in order to serve.
   * @throws HttpProblem 404 `server_unknown`, 403 `server_suspended`
   */
  async signedRecord(id: string): Promise<string> {
    const { servers, keys, publicUrl, recordLife } = this.options
    const server = isServerId(id) ? await servers.find(id) : undefined
    if (!server || server.record.status === 'retired') throw unknownServer(id)
    if (server.record.status !== 'listed') {
      throw new HttpProblem(403, 'server_suspended', `the server ${id} is suspended`)
    }
    const iat = Math.floor(this.options.now() / 1000)
    const claims = { iss: publicUrl, sub: id, iat, exp: iat + recordLife, record: server.record }
    return keys.current.sign(RECORD_TYP, claims)
  }

  /** @throws HttpProblem 400 `policy_invalid`, 409 `name_taken` */
  async put(record: ServerRecord): Promise<StoredServer> {
    this.options.decisions.policies.check(record)
    return this.options.servers.put(record, new Date(this.options.now()))
  }

  /** Within a record's life no server serves it any more. @throws HttpProblem 403 `not_registry_admin`, 404 `server_unknown` */
  suspend(asking: Asking, id: string, reason: string): Promise<StoredServer> {
    return this.#changeStatus('suspend_server', asking, id, reason, ({ record }) => ({
      record: { ...record, status: 'suspended' },
      suspension: reason,
    }))
  }

  /** @throws HttpProblem 403 `not_registry_admin`, 404 `server_unknown` */
  reinstate(asking: Asking, id: string, reason: string): Promise<StoredServer> {
    return this.#changeStatus('reinstate_server', asking, id, reason, ({ record, suspension }) => ({
      // A retired server does not come back by being reinstated.
      record: record.status === 'suspended' ? { ...record, status: 'listed' } : record,
      suspension: record.status === 'suspended' ? undefined : suspension,
    }))
  }

  async #changeStatus(
    tool: string,
    { caller, from }: Asking,
    id: string,
    reason: string,
    change: (server: StoredServer) => StoredServer,
  ): Promise<StoredServer> {
    const { database, servers, audit } = this.options
    const started = this.options.now()
    const about = { action: 'call', tool, arguments: { server: id, reason }, caller, from, started } as const
    if (!caller.groups.includes(ADMIN_GROUP)) {
      const decision = { allowed: false, reason: `needs the group ${ADMIN_GROUP}`, rule: 'registry-admins' }
      const event = this.#event({ ...about, action: 'refuse', decision, outcome: 'not_registry_admin' })
      await audit.append([event], new Date(this.options.now()))
      throw new HttpProblem(403, 'not_registry_admin', `${tool} ${decision.reason}`)
    }
    const decision = { allowed: true, reason: `member of ${ADMIN_GROUP}`, rule: 'registry-admins' }
    // The change and its audit row stand or fall together.
    const changed = await database.transaction().execute(async (transaction) => {
      const now = new Date(this.options.now())
      const server = isServerId(id) ? await servers.change(transaction, id, now, change) : undefined
      const event = this.#event({ ...about, decision, outcome: server ? 'ok' : 'server_unknown' })
      await audit.appendWithin(transaction, [event], now)
      return server
    })
    if (!changed) throw unknownServer(id)
    return changed
  }

  #event(about: Decided): AuditEvent {
    const { started, from, ...rest } = about
    return {
      id: randomUUID(),
      at: new Date(started).toISOString(),
      server: 'registry',
      durationMs: Math.max(0, this.options.now() - started),
      ...(from !== undefined && { from }),
      ...rest,
      ...(rest.arguments !== undefined && { argumentsDigest: digestOf(rest.arguments) }),
    }
  }
}

interface Decided extends Pick<AuditEvent, 'action' | 'decision' | 'outcome' | 'output' | 'tool' | 'arguments'> {
  readonly caller: UserCaller
  readonly from: string | undefined
  /** Milliseconds since the epoch. */
  readonly started: number
}

/** What the path says may be anything, also what PostgreSQL text cannot hold. */
function isServerId(id: string): boolean {
  return ServerId.safeParse(id).success
}

function unknownServer(id: string): HttpProblem {
  return new HttpProblem(404, 'server_unknown', `no server ${JSON.stringify(id)} is listed here`)
}
