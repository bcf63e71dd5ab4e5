import { randomUUID } from 'node:crypto'
import { AuditEvent, digestOf, Plan, parseStrictJson, Proposal, ReceiptClaims } from '@gatehouse/contracts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { json, key, reordered } from './data.ts'

const parameters = fc.dictionary(key, json, { maxKeys: 5, noNullPrototype: true })

function claims(overrides: Partial<Record<keyof ReceiptClaims, unknown>> = {}): Record<string, unknown> {
  const digest = digestOf({ a: 1 })
  const times = { iat: 1_800_000_000, exp: 1_800_000_600 }
  const ids = { jti: randomUUID(), step: randomUUID() }
  return {
    sub: 'ada',
    aud: 'http://presto.test/mcp',
    ...times,
    ...ids,
    tool: 'run',
    args: digest,
    tool_digest: digest,
    plan: digest,
    ...overrides,
  }
}

describe('receipt', () => {
  test('whoever reads the arguments from the wire gets the digest that was signed, and other arguments give another', () => {
    verifies('SRV-KIT.4', 'SRV-KIT.9')
    fc.assert(
      fc.property(parameters, parameters, fc.infiniteStream(fc.nat()), (approved, other, numbers) => {
        const random = (limit: number): number => (numbers.next().value as number) % limit
        const receipt = ReceiptClaims.parse(parseStrictJson(JSON.stringify(claims({ args: digestOf(approved) }))))
        const received = parseStrictJson(JSON.stringify(reordered(approved, random)))
        expect(digestOf(received)).toBe(receipt.args)
        expect(digestOf({ ...other, added: 1 }) === receipt.args).toBe(
          digestOf({ ...other, added: 1 }) === digestOf(approved),
        )
        expect(digestOf({ ...approved, ['one more']: null })).not.toBe(receipt.args)
      }),
    )
  })

  test.each<[string, Record<string, unknown>]>([
    ['a jti that is no UUID', claims({ jti: '1' })],
    ['a digest of another algorithm', claims({ args: `sha512:${'0'.repeat(64)}` })],
    ['an upper-case digest', claims({ args: digestOf(1).toUpperCase() })],
    ['a shorter digest', claims({ tool_digest: digestOf(1).slice(0, -1) })],
    ['a time that is no whole number', claims({ exp: 1.5 })],
    ['an audience list', claims({ aud: ['http://presto.test/mcp'] })],
    ['no step', claims({ step: undefined })],
  ])('%s is refused', (_name, value) => {
    verifies('SRV-KIT.4')
    expect(ReceiptClaims.safeParse(value).success).toBe(false)
  })
})

describe('what is stored or sent around a receipt reads back unchanged', () => {
  test('a plan step and a proposal', () => {
    fc.assert(
      fc.property(parameters, (given) => {
        const step = {
          kind: 'call',
          id: randomUUID(),
          server: 'presto',
          tool: 'run',
          arguments: given,
          argumentsDigest: digestOf(given),
          toolDigest: digestOf(1),
          effect: 'write',
          summary: 's',
        }
        const at = '2026-11-24T00:00:00Z'
        const plan = Plan.parse(
          parseStrictJson(
            JSON.stringify({
              id: randomUUID(),
              createdBy: 'ada',
              surface: 'ide',
              origin: { door: 'chat' },
              steps: [step],
              policyVersion: '1',
              createdAt: at,
              expiresAt: at,
            }),
          ),
        )
        const [read] = plan.steps
        expect(read?.kind === 'call' && digestOf(read.arguments)).toBe(step.argumentsDigest)
        const { kind: _kind, id: _id, ...rest } = step
        const proposal = Proposal.parse(parseStrictJson(JSON.stringify({ ...rest, touches: [] })))
        expect(digestOf(proposal.arguments)).toBe(step.argumentsDigest)
      }),
    )
  })

  test('an audit event without a known caller, and not one with a made-up surface', () => {
    const decision = { allowed: false, reason: 'no token', rule: 'default' }
    const event = {
      id: randomUUID(),
      at: '2026-11-24T00:00:00Z',
      server: 'presto',
      action: 'refuse',
      decision,
      outcome: 'x',
      durationMs: 1,
    }
    expect(AuditEvent.safeParse(event).success).toBe(true)
    const caller = { kind: 'user', subject: 'ada', groups: [], client: 'c', surface: 'carrier-pigeon' }
    expect(AuditEvent.safeParse({ ...event, caller }).success).toBe(false)
  })
})
