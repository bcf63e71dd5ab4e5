import { setTimeout as sleep } from 'node:timers/promises'
import type { GatehouseError, ServerRecord, ToolSurface } from '@gatehouse/contracts'
import { Client, type Implementation, type RequestOptions, SdkError, SdkErrorCode } from '@modelcontextprotocol/client'
import type { Session } from '../session/types.ts'
import { untilAborted } from '../session/until-aborted.ts'
import { retryDelay } from './backoff.ts'
import { busyError, busyFor } from './busy.ts'
import { clockFault } from './clock.ts'
import { channelFetch, failCall, overChannel, whileAnswering } from './call-channel.ts'
import { answerElicitation, createElicitationGate, type Elicit } from './elicitation.ts'
import { ConnectionError } from './errors.ts'
import { failureOf, isUnreadable, unreadable } from './failure.ts'
import { listAll, listTools } from './listing.ts'
import { whileAlive } from './liveness.ts'
import { progressOf } from './progress.ts'
import { afterPages, type RequiredPage } from './required-pages.ts'
import { type CheckedSurface, checkSurface, recordKey } from './surface.ts'
import { definitionOf, keepsItsPromise } from './tool-definition.ts'
import { transportTo } from './transport.ts'
import type { ConnectionsLog, ServerHealth, ToolProgress } from './types.ts'

export interface ConnectionLimits {
  /** Milliseconds to connect and list. Default 10,000. */
  readonly connect?: number
  /** Milliseconds without an answer or progress before a call is given up. Default 300,000. */
  readonly call?: number
  /** Milliseconds that a call may be silent before the server is asked whether it is still there. Default 10,000. */
  readonly silence?: number
  /** Milliseconds that a call whose streams have all ended may still settle. Default 3,000. */
  readonly grace?: number
}

export interface ServerConnectionOptions {
  readonly id: string
  readonly session: Session
  readonly clientInfo: Implementation
  readonly elicit: Elicit
  readonly limits: ConnectionLimits
  readonly log: ConnectionsLog
  readonly now: () => number
  /** The record under the list that is good at this moment. */
  record(): ServerRecord | undefined
  changed(): void
}

/** One request over the client that is there; `how` carries its limits and signals. */
type Exchange<T> = (client: Client, how: RequestOptions) => Promise<T>

interface ExchangeOptions {
  readonly signal: AbortSignal
  readonly onProgress?: ((progress: ToolProgress) => void) | undefined
}

export interface SendOptions extends ExchangeOptions {
  readonly meta: Readonly<Record<string, unknown>>
}

/** One pooled client of one server. */
export interface ServerConnection {
  health(): ServerHealth
  /**
   * The surface, checked against the record as it is now. While a failure is recent only an `eager` caller, one with a person
   * waiting, connects again; others get that failure.
   * @throws GatehouseError, or the signal's reason
   */
  surface(record: ServerRecord, options: { signal?: AbortSignal | undefined; eager: boolean }): Promise<CheckedSurface>
  checked(): CheckedSurface | undefined
  /** Asks the server something and says what came of it, raw. @throws GatehouseError, or the signal's reason */
  exchange<T>(record: ServerRecord, ask: Exchange<T>, options: ExchangeOptions): Promise<T>
  /** Calls a tool. The raw result. @throws GatehouseError, or the signal's reason */
  send(record: ServerRecord, tool: ToolSurface, args: Record<string, unknown>, options: SendOptions): Promise<unknown>
  /** Drops the client, so that the next use connects anew. */
  reset(): void
  /** Refuses this server until its record changes. */
  refuse(error: ConnectionError): void
  close(): Promise<void>
}

const CONNECT_LIMIT = 10_000
const SILENCE_LIMIT = 10_000
const CALL_LIMIT = 300_000
const LONGEST_CALL = 3_600_000
const MAX_PAGES = 20
/** Lists taken in a row of a server that says each time that they have changed meanwhile. */
const MAX_LISTS = 3
/** Least time between two lists taken because a server says that they have changed, milliseconds. */
const RELIST_PAUSE = 2000

interface Opened {
  readonly key: string
  readonly client: Client
  readonly surface: CheckedSurface
}

export function createServerConnection(options: ServerConnectionOptions): ServerConnection {
  const { id, session, limits, log } = options
  let opening: { readonly key: string; readonly result: Promise<Opened> } | undefined
  let opened: Opened | undefined
  let health: ServerHealth = { kind: 'idle' }
  /** The last failure, and the record it was met with. `hard`: not even a waiting person makes it try again. */
  let failed: { readonly key: string; readonly error: GatehouseError; readonly hard: boolean } | undefined
  let attempt = 0
  let timer: NodeJS.Timeout | undefined
  let closed = false
  /** Number of the newest connect: an older one that comes to an end has been replaced. */
  let turn = 0
  /** When lists were last taken because the server said so, and until when it wants to be left alone; epoch milliseconds. */
  let relistedAt = 0
  let busyUntil = 0
  const changedLists = new WeakSet<Client>()
  const lostClients = new WeakSet<Client>()
  const questions = createElicitationGate(options.record()?.title ?? id)

  return {
    health: () => health,
    checked: () => opened?.surface,
    async surface(record, { signal, eager }) {
      if (!eager && !opened && failed?.key === recordKey(record) && isRecent()) throw failed.error
      return (await open(record, signal)).surface
    },
    exchange,
    async send(record, tool, args, { meta, ...options }) {
      const params = { name: tool.name, arguments: args, _meta: { ...meta } }
      const toolDefinition = definitionOf(tool)
      const result = await exchange(
        record,
        (client, how) => client.callTool(params, { ...how, toolDefinition }),
        options,
      )
      keepsItsPromise(record, tool, result)
      return result
    },
    reset,
    refuse(error) {
      const record = options.record()
      reset()
      if (record) fail(error, recordKey(record), true)
    },
    async close() {
      closed = true
      clearTimeout(timer)
      const client = opened?.client
      opened = undefined
      opening = undefined
      await client?.close().catch(() => undefined)
    },
  }

  async function exchange<T>(
    record: ServerRecord,
    ask: Exchange<T>,
    { signal, onProgress }: ExchangeOptions,
  ): Promise<T> {
    const { client } = await open(record, signal)
    const over = new AbortController()
    let gone = false
    const alive = {
      every: limits.silence ?? SILENCE_LIMIT,
      probe: () => listTools(client, limits.connect ?? CONNECT_LIMIT),
      isDead: (error: unknown) => (gone = isTimeout(error)),
    }
    try {
      return await whileAlive(alive, (dead, heard) => {
        const how: RequestOptions = {
          signal: AbortSignal.any([signal, dead, over.signal]),
          timeout: limits.call ?? CALL_LIMIT,
          maxTotalTimeout: LONGEST_CALL,
          resetTimeoutOnProgress: true,
          onprogress: (progress) => {
            heard()
            onProgress?.(progressOf(progress))
          },
        }
        const asked = () =>
          afterPages(
            () => ask(client, how),
            (page) => goesTo(record, page, how.signal ?? signal),
          )
        return questions.whileCalled(() => overChannel(asked, limits.grace))
      })
    } catch (error) {
      signal.throwIfAborted()
      const failure = failureOf(error, record.title)
      // The pooled connection is of no use to the next call either.
      if (gone && client === opened?.client) {
        reset()
        fail(failure, recordKey(record), false)
      }
      throw failure
    } finally {
      // Given up here, it must not go on there.
      over.abort()
    }
  }

  async function open(record: ServerRecord, signal?: AbortSignal): Promise<Opened> {
    const key = recordKey(record)
    if (closed) throw new ConnectionError('disposed', 'Gatehouse is closing.')
    if (failed?.key === key && failed.hard) throw failed.error
    if (options.now() < busyUntil) throw busyError(record.title, busyUntil, options.now())
    if (opened && opened.key !== key) reset()
    if (opened) return opened
    if (opening?.key !== key) opening = { key, result: connect(record, key) }
    return untilAborted(opening.result, signal)
  }

  /** @param held a client whose server says that its lists have changed: what runs over it runs on, and nothing new until they are checked */
  async function connect(record: ServerRecord, key: string, held?: Client): Promise<Opened> {
    const mine = ++turn
    clearTimeout(timer)
    show({ kind: 'connecting' })
    if (held) await pauseBeforeRelist()
    const limit = AbortSignal.timeout(limits.connect ?? CONNECT_LIMIT)
    const client = held ?? newClient(record)
    try {
      const surface = await untilAborted(
        overChannel(async () => {
          if (!held) await connected(client, record)
          return checkedSurface(client, record)
        }, limits.grace),
        limit,
      )
      const result: Opened = { key, client, surface }
      if (closed || !opening || turn !== mine || lostClients.has(client))
        throw new ConnectionError('server_disconnected', `The connection to ${record.title} was replaced.`)
      opened = result
      opening = undefined
      attempt = 0
      failed = undefined
      if (!held) watch(client)
      show({ kind: 'ready' })
      return result
    } catch (error) {
      void client.close().catch(() => undefined)
      const failure = limit.aborted
        ? new ConnectionError(
            'server_timeout',
            `${record.title} does not answer. Try again later, or ask in its support channel.`,
            {
              cause: error,
            },
          )
        : failureOf(error, record.title)
      if (opening && turn === mine) {
        opening = undefined
        fail(failure, key, false)
      }
      throw failure
    }
  }

  async function connected(client: Client, record: ServerRecord): Promise<void> {
    const send = channelFetch(session.fetchFor(record.url), record.title, (response) => keepAway(record, response))
    const transport = transportTo(record.url, send)
    await client.connect(transport, { timeout: limits.connect ?? CONNECT_LIMIT })
  }

  /** A change announced while the lists were on their way makes them stale. */
  async function checkedSurface(client: Client, record: ServerRecord): Promise<CheckedSurface> {
    for (let lists = 0; lists < MAX_LISTS; lists++) {
      changedLists.delete(client)
      const listing = await listAll(client, record, limits.connect ?? CONNECT_LIMIT)
      if (!changedLists.has(client)) return checkSurface(record, listing, client)
    }
    const { title, owner } = record
    throw new ConnectionError(
      'surface_unsettled',
      `${title} keeps changing what it offers, so it is not used for now. Its owner is ${owner.team} (${owner.contact}).`,
    )
  }

  /** A server that announces one change after the other is listed at its first word, and then at a bounded rate. */
  async function pauseBeforeRelist(): Promise<void> {
    const wait = relistedAt + RELIST_PAUSE - options.now()
    if (wait > 0) await sleep(Math.min(wait, RELIST_PAUSE), undefined, { ref: false })
    relistedAt = options.now()
  }

  /** @throws ConnectionError `server_busy` where the server sends us away for a while, `clock_wrong` */
  function keepAway(record: ServerRecord, response: Response): void {
    const fault = clockFault(response, record.title, options.now())
    if (fault) throw fault
    const wait = busyFor(response, options.now())
    if (wait === undefined) return
    busyUntil = options.now() + wait
    throw busyError(record.title, busyUntil, options.now())
  }

  function newClient(record: ServerRecord): Client {
    const onList = { autoRefresh: false, debounceMs: 100, onChanged: () => relist(client) }
    const client: Client = new Client(options.clientInfo, {
      capabilities: { elicitation: { form: {}, url: {} } },
      versionNegotiation: { mode: 'auto' },
      listMaxPages: MAX_PAGES,
      listChanged: { tools: onList, prompts: onList, resources: onList },
    })
    client.setRequestHandler('elicitation/create', (request, context) =>
      questions
        .ask(() => whileAnswering(() => answerElicitation(record.id, request, options.elicit, context.mcpReq.signal)))
        .catch((error: unknown) => {
          if (error instanceof ConnectionError) {
            failCall(error)
            // In the older era nothing else ends the stream that the questions come over.
            if (client === opened?.client) reset()
            else void client.close().catch(() => undefined)
          }
          throw error
        }),
    )
    client.onerror = (error) => {
      if (isUnreadable(error)) failCall(unreadable(record.title, error))
      log({ level: 'info', code: 'server_stream', message: `${id}: a stream was interrupted` })
    }
    return client
  }

  async function goesTo(record: ServerRecord, page: RequiredPage, signal: AbortSignal): Promise<boolean> {
    const request = { method: 'elicitation/create', params: { mode: 'url', ...page } } as const
    const answer = () => answerElicitation(record.id, request, options.elicit, signal)
    return (await questions.ask(() => whileAnswering(answer))).action === 'accept'
  }

  /** A server that goes away takes its subscription with it: then its tools may be others when it is back. */
  function watch(client: Client): void {
    const lost = () => {
      lostClients.add(client)
      if (client !== opened?.client || closed) return
      reset()
      retryLater()
    }
    client.onclose = lost
    void client.autoOpenedSubscription?.closed.then((how) => how !== 'local' && lost())
  }

  function relist(client: Client): void {
    changedLists.add(client)
    const held = opened
    const record = options.record()
    if (client !== held?.client || closed) return
    if (!record || recordKey(record) !== held.key) return reset()
    opened = undefined
    opening = { key: held.key, result: connect(record, held.key, client) }
    opening.result.catch(() => undefined)
  }

  function reset(): void {
    const client = opened?.client
    opened = undefined
    opening = undefined
    if (health.kind !== 'failed') show({ kind: 'idle' })
    void client?.close().catch(() => undefined)
  }

  function isRecent(): boolean {
    return health.kind === 'failed' && (health.retryAt === undefined || health.retryAt > options.now())
  }

  function fail(error: GatehouseError, key: string, hard: boolean): void {
    const { code, message } = error
    failed = { key, error, hard }
    log({ level: 'warn', code, message: `${id}: ${code}` })
    if (closed) return
    if (isFinal(code)) return show({ kind: 'failed', code, message })
    const delay = Math.max(retryDelay(attempt++, Math.random()), busyUntil - options.now())
    show({ kind: 'failed', code, message, retryAt: options.now() + delay })
    schedule(delay)
  }

  function retryLater(): void {
    schedule(retryDelay(attempt++, Math.random()))
  }

  function schedule(delay: number): void {
    clearTimeout(timer)
    timer = setTimeout(retryNow, delay)
    timer.unref()
  }

  function retryNow(): void {
    const record = options.record()
    if (closed || opened || opening || !record) return
    open(record).catch(() => undefined)
  }

  function show(next: ServerHealth): void {
    health = next
    options.changed()
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout
}

/** What another try cannot mend: only a new record, or another sign-in, can. */
function isFinal(code: string): boolean {
  return ['surface_mismatch', 'surface_too_large', 'approval_not_enforced', 'disposed'].includes(code)
}
