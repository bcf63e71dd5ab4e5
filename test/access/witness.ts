import type { AuditEvent } from '@gatehouse/contracts'
import { expect } from 'vitest'
import { until } from '../support/fixture-world.ts'
import type { Shape } from './shape.ts'

/** Sees that each request is recorded once: the audit grows by the events that are awaited, and by no other. */
export class Witness {
  readonly #shape: Shape
  #seen = 0

  constructor(shape: Shape) {
    this.#shape = shape
  }

  /** Since the last time these were recorded, and nothing else. What stands before a server records on a way of its own, so their order is free. */
  async exactly(expected: readonly object[]): Promise<readonly AuditEvent[]> {
    const { audit } = this.#shape
    const end = this.#seen + expected.length
    await until(() => audit.length >= end)
    const events = audit.slice(this.#seen, end)
    this.#seen = end
    const left = [...events]
    for (const one of expected) {
      const index = left.findIndex((event) => fits(event, one))
      if (index < 0) expect(left).toContainEqual(expect.objectContaining(one))
      left.splice(index, 1)
    }
    return events
  }

  /** What a case that failed half-way left behind is no fault of the next one. */
  catchUp(): void {
    this.#seen = this.#shape.audit.length
  }

  unexpected(): readonly AuditEvent[] {
    return this.#shape.audit.slice(this.#seen)
  }
}

function fits(event: AuditEvent, one: object): boolean {
  try {
    expect(event).toMatchObject(one)
    return true
  } catch {
    return false
  }
}
