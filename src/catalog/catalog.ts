import { digestOf, type ListClaims, type ListedServer } from '@gatehouse/contracts'
import { CatalogError, problemOf } from './errors.ts'
import { type KeyPins, RegistryKeys } from './keys.ts'
import { ListCache } from './list-cache.ts'
import { createRegistryClient, type RegistryClient } from './registry-client.ts'
import { verifyList } from './signed-list.ts'
import type { Catalog, CatalogProblem, CatalogState } from './types.ts'

export interface CatalogOptions {
  /** As the session knows it: without a trailing slash. */
  readonly registryUrl: string
  /** Adds the person's token for the registry: `session.fetchFor(registryUrl)`. */
  readonly fetch: typeof fetch
  /** For the registry's keys, which need no token. Default: Node's. */
  readonly publicFetch?: typeof fetch
  /** Whom the list must be for; `undefined` while nobody is signed in. */
  subject(): string | undefined
  /** Tells that `subject()` may have changed. */
  onSubject(listener: () => void): () => void
  /** Audience of the list. */
  clientId(): string
  readonly pins: KeyPins
  readonly cacheDir: string
  /** Epoch milliseconds. */
  readonly now?: () => number
  readonly log: { info(message: string): void; warn(message: string): void }
  /** Milliseconds. Default 60,000. */
  readonly refreshEvery?: number
  /** For one request, milliseconds. Default 10,000. */
  readonly timeLimit?: number
}

interface Held {
  readonly claims: ListClaims
  readonly servers: readonly ListedServer[]
  readonly version: string
  readonly etag?: string
  /** Epoch milliseconds by the clock of this machine, as are the next two. */
  readonly fetchedAt: number
  /**
   * The signed end, or a life after the list came where that is sooner: a clock of this machine that is behind the registry's does not make a list
   * live longer.
   */
  readonly until: number
  /** From here on the list is asked for anew even if it has not changed: its signature must not run out. */
  readonly renewAt: number
}

/** Longest wait that setTimeout takes, milliseconds. */
const LONGEST = 2 ** 31 - 1
/** Shortest wait between two polls, milliseconds. */
const SHORTEST = 1000

/** The approved servers of the signed-in person (EDIT-1): fetched, verified, cached, and gone the moment their signature expires. */
export function createCatalog(options: CatalogOptions): Catalog {
  return new SignedCatalog(options)
}

class SignedCatalog implements Catalog {
  readonly #options: CatalogOptions
  readonly #client: RegistryClient
  readonly #keys: RegistryKeys
  readonly #cache: ListCache
  readonly #now: () => number
  readonly #listeners = new Set<(state: CatalogState) => void>()
  readonly #stopFollowing: () => void
  readonly #disposal = new AbortController()

  #subject: string | undefined
  #held: Held | undefined
  #problem: CatalogProblem | undefined
  /** Ends with the subject: what it still brings is not used. */
  #era = new AbortController()
  #loading: Promise<void> = Promise.resolve()
  #flight: Promise<void> | undefined
  #poll: NodeJS.Timeout | undefined
  #expiry: NodeJS.Timeout | undefined

  constructor(options: CatalogOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#client = createRegistryClient(options)
    this.#keys = new RegistryKeys({
      registryUrl: options.registryUrl,
      fetch: (signal) => this.#client.keys(signal),
      pins: options.pins,
      now: this.#now,
    })
    this.#cache = new ListCache(options.cacheDir, options.registryUrl)
    this.#stopFollowing = options.onSubject(() => this.#follow())
    this.#follow()
  }

  state(): CatalogState {
    if (this.#subject === undefined) return { kind: 'signed-out' }
    const held = this.#held
    if (held && held.until > this.#now()) {
      return {
        kind: 'ready',
        servers: held.servers,
        fetchedAt: held.fetchedAt,
        expiresAt: held.until,
        version: held.version,
        ...(this.#problem ? { problem: this.#problem } : {}),
      }
    }
    if (held) return { kind: 'unavailable', problem: expired(this.#problem) }
    return this.#problem ? { kind: 'unavailable', problem: this.#problem } : { kind: 'loading' }
  }

  onChange(listener: (state: CatalogState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  find(id: string): (ListedServer & { access: 'allowed' }) | undefined {
    // Asked anew, so that not even a listener that has yet to run lets a signed-out person through.
    if (this.#options.subject() !== this.#subject) return undefined
    const state = this.state()
    if (state.kind !== 'ready') return undefined
    for (const server of state.servers) {
      if (server.access === 'allowed' && server.record.id === id && server.record.status === 'listed') return server
    }
    return undefined
  }

  async refresh(signal?: AbortSignal): Promise<CatalogState> {
    this.#follow()
    const done = this.#refresh()
    await (signal ? Promise.race([done, aborted(signal)]) : done)
    return this.state()
  }

  dispose(): void {
    this.#disposal.abort()
    this.#era.abort()
    this.#stopFollowing()
    this.#listeners.clear()
    clearTimeout(this.#poll)
    clearTimeout(this.#expiry)
  }

  /** Makes the catalog that of whoever is signed in now. */
  #follow(): void {
    const subject = this.#options.subject()
    if (subject === this.#subject || this.#disposal.signal.aborted) return
    const left = this.#subject
    this.#era.abort()
    this.#era = new AbortController()
    this.#flight = undefined
    this.#subject = subject
    this.#held = undefined
    this.#problem = undefined
    clearTimeout(this.#poll)
    clearTimeout(this.#expiry)
    if (left !== undefined) void this.#cache.erase(left).catch(() => {})
    this.#announce()
    if (subject === undefined) return
    this.#loading = this.#load(subject, this.#era.signal)
    void this.#refresh()
  }

  /** The cached list, if it may still be used: a start without network is not an outage. */
  async #load(subject: string, era: AbortSignal): Promise<void> {
    const jws = await this.#cache.read(subject)
    if (jws === undefined) return
    try {
      const claims = await this.#verify(jws, subject, (kid) => this.#keys.known(kid))
      if (era.aborted) return
      this.#hold({ claims, fetchedAt: claims.iat * 1000 })
    } catch (error) {
      this.#options.log.info(`the cached list is not used: ${problemOf(error).code}`)
    }
  }

  #refresh(): Promise<void> {
    const subject = this.#subject
    if (subject === undefined || this.#disposal.signal.aborted) return Promise.resolve()
    this.#flight ??= this.#fetch(subject, this.#era.signal)
    return this.#flight
  }

  async #fetch(subject: string, era: AbortSignal): Promise<void> {
    await this.#loading
    try {
      await this.#update(subject, era)
    } catch (error) {
      if (era.aborted) return
      this.#problem = problemOf(error)
      this.#options.log.warn(`the list of approved servers was not refreshed: ${this.#problem.code}`)
      this.#announce()
    }
    if (era.aborted) return
    this.#flight = undefined
    this.#schedule()
  }

  async #update(subject: string, era: AbortSignal): Promise<void> {
    const held = this.#held
    const etag = held && this.#now() < held.renewAt ? held.etag : undefined
    const answer = await this.#client.list(etag, era)
    if (era.aborted) return
    if (answer.kind === 'list') {
      const claims = await this.#verify(answer.jws, subject, (kid) => this.#keys.find(kid, era)).catch(
        (error: unknown) => {
          if (error instanceof CatalogError && error.code === 'list_expired') {
            throw new CatalogError('list_expired', { detail: 'on arrival: check the clock of this machine' })
          }
          throw error
        },
      )
      if (era.aborted) return
      this.#hold({ claims, fetchedAt: this.#now(), ...(answer.etag === undefined ? {} : { etag: answer.etag }) })
      await this.#cache.write(subject, answer.jws).catch(() => {
        this.#options.log.warn('the list of approved servers could not be cached')
      })
      // Signed out while it was written.
      if (era.aborted && this.#subject !== subject) await this.#cache.erase(subject)
    } else if (held) {
      this.#problem = undefined
      this.#held = { ...held, fetchedAt: this.#now() }
      this.#announce()
    }
  }

  #verify(jws: string, subject: string, key: (kid: string) => ReturnType<RegistryKeys['known']>): Promise<ListClaims> {
    const { registryUrl } = this.#options
    return verifyList(jws, { registryUrl, subject, clientId: this.#options.clientId(), now: this.#now(), key })
  }

  #hold(list: Pick<Held, 'claims' | 'fetchedAt' | 'etag'>): void {
    const { iat, exp, servers } = list.claims
    const until = Math.min(exp * 1000, list.fetchedAt + (exp - iat) * 1000)
    const renewAt = (this.#now() + until) / 2
    this.#held = { ...list, until, renewAt, servers, version: digestOf(servers) }
    this.#problem = undefined
    this.#watchExpiry(until)
    this.#announce()
  }

  /** Looks again where the timer was early, or was cut short because it cannot wait that long. */
  #watchExpiry(at: number): void {
    clearTimeout(this.#expiry)
    this.#expiry = after(at - this.#now(), () => (this.#now() < at ? this.#watchExpiry(at) : this.#announce()))
  }

  /** The next poll: in the usual rhythm, but halfway to the list's end if that comes first. */
  #schedule(): void {
    clearTimeout(this.#poll)
    const usual = this.#options.refreshEvery ?? 60_000
    const left = this.#held ? this.#held.renewAt - this.#now() : usual
    const wait = left > 0 ? Math.min(usual, left) : Math.min(usual, SHORTEST * 5)
    this.#poll = after(Math.max(wait, Math.min(SHORTEST, usual)), () => void this.#refresh())
  }

  #announce(): void {
    const state = this.state()
    for (const listener of this.#listeners) {
      try {
        listener(state)
      } catch {
        this.#options.log.warn('a listener of the catalog failed')
      }
    }
  }
}

function expired(problem: CatalogProblem | undefined): CatalogProblem {
  const { code, message } = new CatalogError('list_expired')
  return { code, message: problem ? `${message} ${problem.message}` : message }
}

function after(wait: number, run: () => void): NodeJS.Timeout {
  const timer = setTimeout(run, Math.min(Math.max(wait, 0), LONGEST))
  timer.unref()
  return timer
}

/** Resolves when the caller stops waiting; the refresh goes on for the others. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
