import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { challengeOf, scopesNeeded } from '../../src/session/challenge.ts'
import { verifies } from '../requirements.ts'

const answer = (header: string | undefined, status = 401): Response =>
  new Response(null, { status, headers: header === undefined ? {} : { 'www-authenticate': header } })

describe('challengeOf', () => {
  test.each<[string, object | undefined]>([
    ['Bearer', { scopes: [] }],
    ['DPoP error="use_dpop_nonce"', { scopes: [], error: 'use_dpop_nonce' }],
    [
      'Bearer scope="mcp:read mcp:write", resource_metadata="https://a.example/m", error="insufficient_scope"',
      { scopes: ['mcp:read', 'mcp:write'], metadata: 'https://a.example/m', error: 'insufficient_scope' },
    ],
    ['bearer ERROR = invalid_token', { scopes: [], error: 'invalid_token' }],
    ['Basic realm="Bearer error=x", Bearer error="invalid_token"', { scopes: [], error: 'invalid_token' }],
    ['Bearer error="invalid_token", DPoP error="use_dpop_nonce"', { scopes: [], error: 'use_dpop_nonce' }],
    ['Bearer error="a\\"b", scope="x"', { scopes: ['x'], error: 'a"b' }],
    ['Bearer error="first", error="second"', { scopes: [], error: 'first' }],
    ['Bearer scope="a a b"', { scopes: ['a', 'b'] }],
    ['Bearer scope="good \u00e9vil \\"quoted\\" ok"', { scopes: ['good', 'ok'] }],
    ['Basic realm="x"', undefined],
    ['', undefined],
    ['error="insufficient_scope", scope="x"', undefined],
    ['Bearer scope="never closed', { scopes: [] }],
  ])('%s', (header, challenge) => {
    expect(challengeOf(answer(header))).toEqual(challenge)
  })

  test('an answer without the header has none', () => {
    expect(challengeOf(answer(undefined))).toBeUndefined()
  })

  test('a resource that names a thousand scopes is heard for twenty', () => {
    const many = Array.from({ length: 1000 }, (_, n) => `s${n}`).join(' ')
    expect(challengeOf(answer(`Bearer scope="${many}"`))?.scopes).toHaveLength(20)
  })

  test('whatever a resource sends is read, quickly, into valid scopes alone', () => {
    const piece = fc.constantFrom('Bearer ', 'DPoP ', 'scope=', '"', '\\', '=', ',', ' ', 'error="x"', 'a'.repeat(300))
    const header = fc.oneof(
      fc.array(piece, { maxLength: 60 }).map((parts) => parts.join('')),
      fc.string({ maxLength: 200 }),
    )
    fc.assert(
      fc.property(header, (text) => {
        const printable = text.replace(/[^\x20-\x7e]/g, '')
        const challenge = challengeOf(answer(printable))
        for (const scope of challenge?.scopes ?? []) expect(scope).toMatch(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('scopesNeeded', () => {
  test('a 403 for want of scope names what it wants', () => {
    verifies('AUTH-5.3')
    expect(scopesNeeded(answer('DPoP error="insufficient_scope", scope="a b"', 403))).toEqual(['a', 'b'])
    expect(scopesNeeded(answer('Bearer error="insufficient_scope"', 403))).toEqual([])
  })

  test.each([
    ['a 401', answer('Bearer error="insufficient_scope", scope="a"', 401)],
    ['another refusal', answer('Bearer error="invalid_token", scope="a"', 403)],
    ['a 403 without a word', answer(undefined, 403)],
  ])('%s is not about scopes', (_name, response) => {
    expect(scopesNeeded(response)).toBeUndefined()
  })
})
