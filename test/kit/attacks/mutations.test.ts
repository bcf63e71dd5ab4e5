import { randomUUID } from 'node:crypto'
import { digestOf, JsonError, parseStrictJson, RECEIPT_TYP } from '@gatehouse/contracts'
import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { verifyReceipt } from '../../../companion/packages/kit/src/approvals/receipt.ts'
import { verifies } from '../../requirements.ts'
import { createForgingKey, forge, type ForgingKey } from './forge.ts'
import { canonical, decoded } from './rfc-8785.ts'

const NOW = 1_800_000_000
const AUDIENCE = 'https://target.example/mcp'

let device: ForgingKey
beforeAll(async () => {
  device = await createForgingKey()
})

const json = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary', maxDepth: 4 }), {
  maxKeys: 6,
})

type Mutation = (text: string) => string
const replaced =
  (pattern: RegExp, by: string): Mutation =>
  (text) =>
    text.replace(pattern, by)

/** Edits of JSON text: some change what it says, some only how, and some make it no JSON at all. */
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.constantFrom(
    (text) => text,
    replaced(/:/g, ' :\t'),
    replaced(/\{/, '{"extra":null,'),
    replaced(/\{("[^"]*"):/, '{$1:0,$1:'),
    replaced(/(\d)([,\]}])/, '$1.0$2'),
    replaced(/(\d)([,\]}])/, '$1e0$2'),
    replaced(/(\d)([,\]}])/, '$10$2'),
    replaced(/:0([,}])/, ':-0$1'),
    replaced(/null/, 'false'),
    replaced(/true/, '1'),
    replaced(/\[\]/, '{}'),
    replaced(/\{\}/g, '[]'),
    replaced(/"([^"\\])/, String.raw`"\u0061$1`),
    replaced(/a/, String.raw`\u0061`),
    replaced(/"([^"\\]*)"/, '"$1 "'),
    (text) => text.normalize('NFD'),
    (text) => text.normalize('NFKC'),
    (text) => text.toUpperCase(),
    (text) => canonicalKeysReversed(text),
  ),
  fc
    .tuple(fc.nat(), fc.constantFrom(...'{}[]:,"\\u0019.eE+-\u200b\ufeff '), fc.constantFrom('put', 'insert', 'drop'))
    .map(([at, character, how]): Mutation => {
      return (text) => {
        const index = at % (text.length + 1)
        const rest = how === 'insert' ? index : index + 1
        return text.slice(0, index) + (how === 'drop' ? '' : character) + text.slice(rest)
      }
    }),
)

function canonicalKeysReversed(text: string): string {
  return JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text) as object).reverse()))
}

it('accepts a call if and only if it says what was approved, whatever is done to its text', {
  timeout: 120_000,
}, async () => {
  verifies('SRV-KIT.4', 'SRV-KIT.9')
  const seen = { same: 0, other: 0, unread: 0 }
  await fc.assert(
    fc.asyncProperty(json, fc.array(mutation, { minLength: 1, maxLength: 3 }), async (approved, mutations) => {
      const text = JSON.stringify(approved)
      fc.pre(read(text) !== undefined)
      const sent = mutations.reduce((current, mutate) => attempt(mutate, current), text)
      const value = read(sent)
      const same = value !== undefined && canonical(decoded(sent)) === canonical(decoded(text))
      seen[value === undefined ? 'unread' : same ? 'same' : 'other']++
      // What the strict reader refuses never gets as far as a receipt.
      if (value === undefined) return
      expect(await accepted(approved, value)).toBe(same)
    }),
    { numRuns: 1500 },
  )
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(50)
})

function attempt(mutate: Mutation, text: string): string {
  try {
    return mutate(text)
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}

function read(text: string): unknown {
  try {
    return parseStrictJson(text)
  } catch (error) {
    if (error instanceof JsonError) return undefined
    throw error
  }
}

/** Whether a receipt for `approved` lets `sent` run. */
async function accepted(approved: unknown, sent: unknown): Promise<boolean> {
  const claims = {
    sub: 'ada',
    aud: AUDIENCE,
    iat: NOW,
    exp: NOW + 600,
    jti: randomUUID(),
    tool: 'keep',
    args: digestOf(approved),
    tool_digest: digestOf('keep'),
    step: randomUUID(),
    plan: digestOf('plan'),
  }
  const header = JSON.stringify({ alg: 'ES256', typ: RECEIPT_TYP, jwk: device.jwk })
  const receipt = forge({ header, claims: JSON.stringify(claims), signed: 'device', device, other: device })
  try {
    await verifyReceipt({
      receipt: receipt.join('.'),
      caller: {
        kind: 'user',
        subject: 'ada',
        groups: [],
        client: 'gatehouse-vscode',
        surface: 'ide',
        keyThumbprint: device.thumbprint,
      },
      audience: AUDIENCE,
      tool: 'keep',
      argsDigest: digestOf(sent),
      toolDigest: claims.tool_digest,
      now: NOW,
    })
    return true
  } catch (error) {
    expect(error).toMatchObject({ code: 'approval_mismatch' })
    return false
  }
}
