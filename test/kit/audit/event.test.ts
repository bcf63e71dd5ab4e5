import { randomUUID } from 'node:crypto'
import { AuditEvent, canonicalJson, digestOf, parseStrictJson } from '@gatehouse/contracts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AuditInput, buildAuditEvent } from '../../../companion/packages/kit/src/audit/event.ts'
import { verifies } from '../../requirements.ts'

const refused: AuditInput = {
  server: 'presto',
  action: 'refuse',
  decision: { allowed: false, reason: 'needs group ads or finance', rule: 'default' },
  outcome: 'denied',
  startedAt: Date.now(),
}

test('a refusal of somebody unknown is an event: who is absent, the decision is there', () => {
  verifies('OBS-2.1')
  const event = buildAuditEvent(refused)
  expect(event).toMatchObject({ action: 'refuse', outcome: 'denied', decision: refused.decision })
  expect(event).not.toHaveProperty('caller')
  expect(AuditEvent.parse(JSON.parse(JSON.stringify(event)))).toEqual(event)
})

test('of arguments and output it holds what is redacted, and the receipt by its ids', () => {
  verifies('OBS-2.2')
  const event = buildAuditEvent({
    ...refused,
    arguments: { sql: 'SELECT 1', password: 'hunter2', email: 'x@y' },
    redact: ['email'],
    argumentsDigest: digestOf({}),
    output: { structured: { rows: [['private']] }, text: 'private' },
    outputFields: ['rows'],
    receipt: {
      sub: 'ada',
      aud: 'https://presto.example/mcp',
      iat: 1,
      exp: 2,
      jti: randomUUID(),
      tool: 't',
      args: digestOf({}),
      tool_digest: digestOf({}),
      step: randomUUID(),
      plan: digestOf({}),
    },
  })
  expect(event.arguments).toEqual({ sql: 'SELECT 1', password: '[redacted]', email: '[redacted]' })
  expect(Object.keys(event.receipt ?? {})).toEqual(['jti', 'step', 'plan'])
  expect(JSON.stringify(event)).not.toMatch(/private|hunter2|x@y/)
})

test('names that a stranger made up are bounded, and a clock that went back does not break the event', () => {
  const event = buildAuditEvent({
    ...refused,
    tool: `${'x'.repeat(1_000_000)}`,
    from: '\ud800'.repeat(500),
    startedAt: Date.now() + 60_000,
  })
  expect(event.tool).toHaveLength(128)
  expect(event.from?.isWellFormed()).toBe(true)
  expect(event.durationMs).toBe(0)
})

test('whatever was sent, the event is small and is what the registry can take', () => {
  verifies('OBS-2.1')
  const text = fc.string({ unit: 'binary' })
  const number = fc.oneof(fc.double(), fc.constant(2 ** 60))
  const value = fc.letrec((tie) => ({
    node: fc.oneof({ maxDepth: 8 }, text, number, fc.array(tie('node')), fc.dictionary(text, tie('node'))),
  })).node
  fc.assert(
    fc.property(fc.dictionary(text, value), text, (args, reason) => {
      const event = buildAuditEvent({
        ...refused,
        arguments: args,
        tool: reason,
        decision: { allowed: false, reason, rule: reason },
        output: { structured: args, text: reason },
      })
      const json = JSON.stringify(event)
      expect(() => canonicalJson(event)).not.toThrow()
      expect(AuditEvent.parse(parseStrictJson(json))).toEqual(event)
      expect(json.length).toBeLessThan(200_000)
    }),
    { examples: [[JSON.parse('{"":{"__proto__":{}}}') as Record<string, unknown>, '']] },
  )
})

test('each event has an id of its own', () => {
  expect(buildAuditEvent(refused).id).not.toBe(buildAuditEvent(refused).id)
})
