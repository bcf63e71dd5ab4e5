import {
  APPROVAL_META,
  type Decision,
  type Digest,
  digestOf,
  type Effect,
  type Json,
  type ServerRecord,
} from '@gatehouse/contracts'
import type { z } from 'zod'
import type { Ledger } from '../approvals/ledger.ts'
import { type AuditInput, buildAuditEvent } from '../audit/event.ts'
import type { Journal } from '../audit/journal.ts'
import type { LogLevel, Progress, ToolContext } from '../authoring/context.ts'
import type { Policy } from '../decide/policy.ts'
import { isScopeRule, mayKnow, WORKLOAD_WRITE } from '../decide/reasons.ts'
import type { Logger } from '../http/log.ts'
import type { RecordGate } from '../record/gate.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { approvedRun } from './approved-run.ts'
import { type Arrival, identityOf } from './arrival.ts'
import { Asking, type Exchange } from './asking.ts'
import type { Limits } from './config.ts'
import { type ContextInput, createContext } from './context.ts'
import { failed, Interruptions } from './interruptions.ts'
import { type Measured, measured } from './measured.ts'
import { failure, type Outcome } from './outcome.ts'
import { recorded, unrecordable } from './recorded.ts'
import type { StateSeal } from './request-state.ts'
import { runTool } from './run-tool.ts'
import type { ServedTool, ToolTable } from './tool-table.ts'

export interface Serving {
  readonly id: string
  /** MCP endpoint, which is also the audience. */
  readonly url: string
  readonly table: ToolTable
  readonly policy: Policy
  readonly gate: RecordGate
  /** Absent for a server whose tools only read. */
  readonly ledger: Ledger | undefined
  readonly journal: Journal
  readonly telemetry: Telemetry
  readonly limits: Limits
  /** For what must be remembered between the rounds of one call. */
  readonly seal: StateSeal
  readonly log: Logger
  /** Aborts when the server stops and running calls have had their time. */
  readonly stopping: AbortSignal
  /** A call is in flight, until the returned function is called. */
  begin(): () => void
}

export interface Call {
  readonly arrival: Arrival
  readonly name: string
  readonly arguments: Record<string, unknown>
  readonly meta: Readonly<Record<string, unknown>>
  readonly protocolVersion: string
  /** Aborts when the caller cancels or goes away. */
  readonly signal: AbortSignal
  readonly exchange: Exchange
  readonly progress?: ((progress: Progress) => void) | undefined
  readonly log?: ((level: LogLevel, message: string) => void) | undefined
}

/** A tool that is not there, or that this caller may not know of: the two look alike. */
export const UNKNOWN_TOOL = 'unknown_tool'
/** A state that is forged, expired, someone else's, or of another call. */
export const STATE_INVALID = 'request_state_invalid'

/**
 * One call, from a caller that is authenticated to an outcome that is in the audit: record, decision, arguments, effect, approval, run, output,
 * limits, audit. Nothing is returned that could not be recorded.
 * @throws RecordError when the record was lost meanwhile
 */
export async function serveCall(serving: Serving, call: Call): Promise<Outcome> {
  const { arrival, meta, protocolVersion } = call
  const measures: Measured = {
    method: 'tools/call',
    ...(serving.table.tools.has(call.name) && { tool: call.name }),
    arrival,
    meta,
    protocolVersion,
    errorType: (code) => (code === 'internal_error' ? code : 'tool_error'),
  }
  return measured(serving, measures, (traceId) => new CallRun(serving, call, traceId).outcome())
}

class CallRun {
  readonly #serving: Serving
  readonly #call: Call
  readonly #traceId: string
  readonly #record: ServerRecord
  readonly #tool: ServedTool | undefined
  /** The latest: first of a call with any arguments, then of this very one. */
  #decision: Decision
  readonly #argsDigest: Digest

  constructor(serving: Serving, call: Call, traceId: string) {
    this.#serving = serving
    this.#call = call
    this.#traceId = traceId
    this.#record = serving.gate.current().record
    this.#tool = serving.table.tools.get(call.name)
    this.#decision = this.#decide()
    this.#argsDigest = digestOf(call.arguments)
  }

  async outcome(): Promise<Outcome> {
    const tool = this.#tool
    if (!tool) return this.#recorded(failure(UNKNOWN_TOOL, 'unknown tool'), 'refuse')
    if (!this.#decision.allowed) return this.#recorded(this.#denied(), 'refuse')
    const parsed = tool.input.safeParse(this.#call.arguments)
    if (!parsed.success) return this.#recorded(invalidArguments(parsed.error, 'tool'), 'call')
    this.#decision = this.#decide(parsed.data)
    if (!this.#decision.allowed) return this.#recorded(failure('denied', this.#decision.reason), 'refuse')
    const asking = new Asking(this.#call.exchange, this.#serving.seal, () => this.#binding(tool))
    if (!asking.open()) return this.#recorded(failure(STATE_INVALID, 'the request state is not valid here'), 'refuse')
    return this.#allowed(tool, parsed.data, asking)
  }

  /** @param args validated; without them the answer is about the tool with any arguments */
  #decide(args?: Record<string, unknown>): Decision {
    return this.#serving.policy.decide({
      caller: this.#call.arrival.caller,
      action: 'call',
      resource: { kind: 'tool', name: this.#call.name },
      record: this.#record,
      arguments: args,
    })
  }

  #denied(): Outcome {
    const { rule, reason } = this.#decision
    if (isScopeRule(rule)) return failure('insufficient_scope', reason)
    return mayKnow(rule, this.#record) ? failure('denied', reason) : failure(UNKNOWN_TOOL, 'unknown tool')
  }

  /** Of what the state of an exchange is for: another caller's, or that of another call, does not open. */
  #binding({ surface: { name }, digest }: ServedTool): Json {
    const { url } = this.#serving
    const identity = identityOf(this.#call.arrival.caller)
    return { server: url, ...identity, kind: 'tool', name, digest, args: this.#argsDigest }
  }

  async #allowed(tool: ServedTool, args: Record<string, unknown>, asking: Asking): Promise<Outcome> {
    const { policy, limits, log, stopping } = this.#serving
    const { signal, progress, arrival } = this.#call
    const interruptions = new Interruptions({ cancelled: signal, stopping, time: limits.time })
    const input: ContextInput = {
      caller: arrival.caller,
      record: this.#record,
      policy,
      signal: interruptions.signal,
      progress,
      log: this.#call.log,
    }
    const ctx = createContext(input)
    const run = (runCtx: ToolContext) => runTool(tool, args, runCtx, interruptions, limits.result, log)
    try {
      const { options } = tool.definition
      const effect: Effect = options.effectOf ? await options.effectOf(args, ctx) : options.effect
      if (effect === 'read') {
        const refused = unrecordable(this.#serving)
        if (refused) return refused
        const outcome = await run(createContext({ ...input, asking }))
        return await this.#recorded(asking.ended ?? outcome, 'call')
      }
      const { caller } = arrival
      if (caller.kind !== 'user') {
        this.#decision = WORKLOAD_WRITE
        return await this.#recorded(failure('denied', WORKLOAD_WRITE.reason), 'refuse')
      }
      const { outcome, audited, receipt } = await approvedRun({
        ledger: this.#ledger(),
        log,
        server: this.#serving.id,
        url: this.#serving.url,
        caller,
        tool,
        effect,
        raw: this.#call.arguments,
        args,
        argsDigest: this.#argsDigest,
        receipt: this.#call.meta[APPROVAL_META],
        ctx,
        event: (fields) => this.#event({ action: 'call', ...fields }),
        run: () => run(ctx),
      })
      return audited ? outcome : await this.#recorded(outcome, 'refuse', receipt && { receipt })
    } catch (error) {
      return await this.#recorded(failed(error, interruptions, tool.surface.name, log), 'call')
    } finally {
      interruptions.end()
    }
  }

  #ledger(): Ledger {
    const { ledger } = this.#serving
    if (!ledger) throw new TypeError('a tool that was declared to read wants to do more')
    return ledger
  }

  #recorded(
    outcome: Outcome,
    action: AuditInput['action'],
    fields: Pick<AuditInput, 'receipt'> = {},
  ): Promise<Outcome> {
    return recorded(this.#serving, outcome, this.#event({ action, outcome: outcome.code, output: outcome, ...fields }))
  }

  #event(fields: Pick<AuditInput, 'action' | 'outcome' | 'output' | 'receipt'>): ReturnType<typeof buildAuditEvent> {
    const { arrival, name } = this.#call
    return buildAuditEvent({
      server: this.#serving.id,
      caller: arrival.caller,
      from: arrival.from,
      tool: name,
      arguments: this.#call.arguments,
      redact: this.#tool?.definition.options.redact,
      argumentsDigest: this.#argsDigest,
      decision: this.#tool ? this.#decision : { allowed: false, reason: 'unknown tool', rule: UNKNOWN_TOOL },
      outputFields: this.#tool?.outputFields,
      startedAt: arrival.startedAt,
      traceId: this.#traceId,
      ...fields,
    })
  }
}

export function invalidArguments(error: z.ZodError, kind: 'tool' | 'prompt' | 'resource'): Outcome {
  const issues = error.issues
    .slice(0, 20)
    .map((issue) => ({ path: issue.path.join('.').slice(0, 200), message: issue.message.slice(0, 300) }))
  const [first] = issues
  const where = first?.path ? `${first.path}: ` : ''
  return failure('invalid_arguments', `the arguments do not fit the ${kind}: ${where}${first?.message ?? 'invalid'}`, {
    issues,
  })
}
