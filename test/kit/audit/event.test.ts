import { randomUUID } from 'node:crypto'
import { AuditEvent, digestOf } from '@gatehouse/contracts'
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

test('each event has an id of its own', () => {
  expect(buildAuditEvent(refused).id).not.toBe(buildAuditEvent(refused).id)
})
