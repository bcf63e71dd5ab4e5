import type { AuditEvent } from '@gatehouse/contracts'
import { expect } from 'vitest'
import { until } from '../support/fixture-world.ts'
import type { Shape } from './shape.ts'

/** What is compared of an event: who did what with which thing, what came of it, and which rule said no. */
export interface Recorded {
  readonly server: string
  /** `ada via gatehouse-cli`, a SPIFFE id, or nobody who is known. */
  readonly caller?: string | undefined
  readonly action?: string
  readonly thing?: string | undefined
  readonly outcome: string
  readonly rule?: string | undefined
}

/** Sees that each request is recorded once: the audit grows by the events that are awaited, and by no other. */
export class Witness {
  readonly #shape: Shape
  #seen = 0
  #unfinished = false

  constructor(shape: Shape) {
    this.#shape = shape
  }

  /** Since the last time these were recorded, in whatever order, and nothing else. Parts that are left out are not compared. */
  async exactly(expected: readonly Recorded[]): Promise<readonly AuditEvent[]> {
    const { audit } = this.#shape
    const end = this.#seen + expected.length
    await until(() => audit.length >= end).catch(() => undefined)
    const events = audit.slice(this.#seen)
    this.#seen = audit.length
    expect(events.map(lineOf).sort()).toEqual(expected.map(lineOf).sort())
    return events
  }

  /** A test that compares what it has done; what one that failed half-way left behind is no fault of the next. */
  async resuming(test: () => Promise<void>): Promise<void> {
    if (this.#unfinished) this.#seen = this.#shape.audit.length
    this.#unfinished = true
    await test()
    this.#unfinished = false
  }

  /** The same, of the outcomes alone. */
  async outcomes(expected: readonly string[]): Promise<readonly AuditEvent[]> {
    const { audit } = this.#shape
    const end = this.#seen + expected.length
    await until(() => audit.length >= end).catch(() => undefined)
    const events = audit.slice(this.#seen)
    this.#seen = audit.length
    expect(events.map(({ outcome }) => outcome).sort()).toEqual([...expected].sort())
    return events
  }
}

/** A refusal by these is given before the body is read; the edge may know from a header what was asked for, and a server does not. */
const BEFORE_THE_BODY = /^(server-|client_unknown$)/

function recordedOf({ server, caller, action, tool, prompt, resource, outcome, decision }: AuditEvent): Recorded {
  return {
    server,
    caller: caller?.kind === 'user' ? `${caller.subject} via ${caller.client}` : caller?.spiffeId,
    action,
    thing: BEFORE_THE_BODY.test(decision.rule) ? undefined : (tool ?? prompt ?? resource),
    outcome,
    rule: decision.allowed ? undefined : decision.rule,
  }
}

function lineOf(one: AuditEvent | Recorded): string {
  const {
    server,
    caller = 'nobody',
    action,
    thing = '-',
    outcome,
    rule = '-',
  } = 'decision' in one ? recordedOf(one) : one
  return [server, caller, action, thing, outcome, rule].join(' | ')
}
