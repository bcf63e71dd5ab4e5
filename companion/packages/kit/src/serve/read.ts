import { type Decision, type Digest, digestOf, type Json, type ServerRecord } from '@gatehouse/contracts'
import { type AuditInput, buildAuditEvent } from '../audit/event.ts'
import { redactText } from '../audit/redact.ts'
import type { LogLevel, Progress, ToolContext } from '../authoring/context.ts'
import { isScopeRule, mayKnow } from '../decide/reasons.ts'
import { type Arrival, identityOf } from './arrival.ts'
import { Asking, type Exchange } from './asking.ts'
import { invalidArguments, type Serving, STATE_INVALID } from './call.ts'
import { createContext } from './context.ts'
import { failed, Interruptions, orAbandon } from './interruptions.ts'
import { measured } from './measured.ts'
import { failure, type Outcome } from './outcome.ts'
import { findReadable, READ_FIELDS, type Readable, type Wanted } from './readable.ts'
import { recorded, unrecordable } from './recorded.ts'
import { tooLarge } from './run-tool.ts'

export interface Read {
  readonly arrival: Arrival
  readonly wanted: Wanted
  readonly meta: Readonly<Record<string, unknown>>
  readonly protocolVersion: string
  /** Aborts when the caller cancels or goes away. */
  readonly signal: AbortSignal
  readonly exchange: Exchange
  readonly progress?: ((progress: Progress) => void) | undefined
  readonly log?: ((level: LogLevel, message: string) => void) | undefined
}

/** What is not there, or what this caller may not know of: the two look alike. */
export const UNKNOWN: Readonly<Record<Wanted['kind'], string>> = {
  prompt: 'unknown_prompt',
  resource: 'unknown_resource',
}

/** What a read does with what it found; everything around it is the same. */
type Work = (found: Readable, ctx: ToolContext) => Promise<Outcome>

/**
 * One prompt or resource, from a caller that is authenticated to an outcome that is in the audit: record, decision, state, arguments, read,
 * limits, audit. Of an outcome that is no failure, `structured` is the result as it goes on the wire.
 * @throws RecordError when the record was lost meanwhile
 */
export async function serveRead(serving: Serving, read: Read): Promise<Outcome> {
  const method = read.wanted.kind === 'prompt' ? 'prompts/get' : 'resources/read'
  return measuredRead(serving, read, method, (run) =>
    run.outcome(async (found, ctx) => {
      const parsed = found.input.safeParse(found.arguments)
      if (!parsed.success) return invalidArguments(parsed.error, found.kind)
      return answered(await found.read(parsed.data, ctx))
    }),
  )
}

/** Suggestions kept (MCP 2026-07-28, server/utilities/completion). */
const MAX_SUGGESTIONS = 100

export interface Typed {
  readonly argument: string
  readonly value: string
  /** The other arguments, as far as they are there. */
  readonly others: Readonly<Record<string, string>>
}

/** Suggestions for an argument, for those alone who may read what it is an argument of: a suggestion tells something of the data. */
export async function serveCompletion(serving: Serving, read: Read, typed: Typed): Promise<Outcome> {
  return measuredRead(serving, read, 'completion/complete', (run) =>
    run.outcome(async ({ complete }, ctx) => {
      const { argument, value, others } = typed
      const suggest = Object.hasOwn(complete, argument) ? complete[argument] : undefined
      const all = suggest ? await suggest.call(undefined, value, others, ctx) : []
      const values = all.slice(0, MAX_SUGGESTIONS).map((suggestion) => suggestion.slice(0, 1_000))
      return answered({ completion: { values, total: all.length, hasMore: all.length > values.length } })
    }),
  )
}

function measuredRead(
  serving: Serving,
  read: Read,
  method: string,
  work: (run: ReadRun) => Promise<Outcome>,
): Promise<Outcome> {
  const { arrival, meta, protocolVersion } = read
  const measures = { method, arrival, meta, protocolVersion, errorType: (code: string) => code }
  return measured(serving, measures, (traceId) => work(new ReadRun(serving, read, traceId)))
}

class ReadRun {
  readonly #serving: Serving
  readonly #read: Read
  readonly #traceId: string
  readonly #record: ServerRecord
  readonly #found: Readable | undefined
  readonly #decision: Decision
  readonly #argsDigest: Digest | undefined

  constructor(serving: Serving, read: Read, traceId: string) {
    this.#serving = serving
    this.#read = read
    this.#traceId = traceId
    this.#record = serving.gate.current().record
    const found = findReadable(serving.table, read.wanted)
    this.#found = found
    this.#argsDigest = found && digestOf(found.arguments)
    this.#decision = found
      ? serving.policy.decide({
          caller: read.arrival.caller,
          action: 'read',
          resource: { kind: found.kind, name: found.name },
          record: this.#record,
        })
      : { allowed: false, reason: `unknown ${read.wanted.kind}`, rule: UNKNOWN[read.wanted.kind] }
  }

  async outcome(work: Work): Promise<Outcome> {
    const found = this.#found
    if (!found || !this.#decision.allowed) return this.#recorded(this.#denied(), 'refuse')
    const { arrival, exchange, signal, progress, log } = this.#read
    const { seal, limits, stopping, policy } = this.#serving
    const asking = new Asking(exchange, seal, () => this.#binding(found))
    if (!asking.open()) return this.#recorded(failure(STATE_INVALID, 'the request state is not valid here'), 'refuse')
    const refused = unrecordable(this.#serving)
    if (refused) return refused
    const interruptions = new Interruptions({ cancelled: signal, stopping, time: limits.time })
    const ctx = createContext({
      caller: arrival.caller,
      record: this.#record,
      policy,
      signal: interruptions.signal,
      progress,
      log,
      asking,
    })
    const outcome = await this.#run(found, work, ctx, interruptions)
    return this.#recorded(asking.ended ?? outcome, 'read')
  }

  async #run(found: Readable, work: Work, ctx: ToolContext, interruptions: Interruptions): Promise<Outcome> {
    try {
      const outcome = await orAbandon(work(found, ctx), ctx.signal)
      if (outcome === undefined) return failed(undefined, interruptions, found.name, this.#serving.log)
      const bytes = Buffer.byteLength(JSON.stringify(outcome.structured))
      return bytes > this.#serving.limits.result ? tooLarge(bytes, this.#serving.limits.result) : outcome
    } catch (error) {
      return failed(error, interruptions, found.name, this.#serving.log)
    } finally {
      interruptions.end()
    }
  }

  #denied(): Outcome {
    const { kind } = this.#read.wanted
    const { rule, reason } = this.#decision
    if (isScopeRule(rule)) return failure('insufficient_scope', reason)
    if (this.#found && mayKnow(rule, this.#record)) return failure('denied', reason)
    return failure(UNKNOWN[kind], `unknown ${kind}`)
  }

  /** Of what the state is for; see `CallRun`. */
  #binding({ kind, name, digest }: Readable): Json {
    return {
      server: this.#serving.url,
      ...identityOf(this.#read.arrival.caller),
      kind,
      name,
      digest,
      args: this.#argsDigest ?? null,
    }
  }

  #recorded(outcome: Outcome, action: AuditInput['action']): Promise<Outcome> {
    const { arrival, wanted } = this.#read
    const found = this.#found
    const event = buildAuditEvent({
      server: this.#serving.id,
      action,
      caller: arrival.caller,
      from: arrival.from,
      ...(wanted.kind === 'prompt' && { prompt: wanted.name }),
      // An address may carry data, or what looks like a secret.
      ...(wanted.kind === 'resource' && { resource: found?.name ?? redactText(wanted.uri) }),
      arguments: found?.arguments,
      redact: found?.redact,
      argumentsDigest: this.#argsDigest,
      decision: this.#decision,
      outcome: outcome.code,
      output: outcome,
      outputFields: READ_FIELDS,
      startedAt: arrival.startedAt,
      traceId: this.#traceId,
    })
    return recorded(this.#serving, outcome, event)
  }
}

function answered(structured: Record<string, unknown>): Outcome {
  return { isError: false, structured, text: '', code: 'ok' }
}
