import fc from 'fast-check'
import { expect, test } from 'vitest'
import { redactArguments } from '../../../companion/packages/kit/src/audit/redact.ts'
import { verifies } from '../../requirements.ts'

const SECRET = 'hunter2-correct-horse'

test('fields that the author names are gone at any depth, however they are spelled', () => {
  verifies('OBS-2.2')
  expect(redactArguments({ email: SECRET, rows: [{ E_Mail: SECRET, kept: 1 }] }, ['email'])).toEqual({
    email: '[redacted]',
    rows: [{ E_Mail: '[redacted]', kept: 1 }],
  })
})

test.each([
  'password',
  'Password',
  'dbPassword',
  'passwd',
  'pwd',
  'passphrase',
  'token',
  'access_token',
  'refreshToken',
  'secret',
  'client_secret',
  'Authorization',
  'proxy-authorization',
  'api_key',
  'apiKey',
  'X-Api-Key',
  'accessKey',
  'private_key',
  'Cookie',
  'Set-Cookie',
  'credentials',
  'signature',
  'otp',
  'pin',
  'auth',
])('a field named %s is a secret', (name) => {
  verifies('OBS-2.2')
  expect(JSON.stringify(redactArguments({ outer: [{ [name]: SECRET }, { [name]: { inner: SECRET } }] }))).not.toContain(
    SECRET,
  )
})

test('fields that only look alike are kept', () => {
  const args = {
    author: 'ada',
    shipping: 1,
    opinion: 'x',
    table: 'pins',
    compass: 'north',
    sql: 'SELECT keyword FROM passes',
  }
  expect(redactArguments(args)).toEqual(args)
})

test.each([
  `CREATE USER x PASSWORD '${SECRET}'`,
  `CREATE CATALOG c USING mysql WITH ("connection-password" = '${SECRET}')`,
  `password=${SECRET}`,
  `--api-key ${SECRET}`.replace(' ', '='),
  `{"client_secret": "${SECRET}"}`,
  `Authorization: Bearer ${SECRET}`,
  `postgres://ada:${SECRET}@db.example/x`,
  `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----`,
  `-----BEGIN EC PRIVATE KEY-----\n${SECRET}`,
])('a credential inside text is gone: %s', (sql) => {
  verifies('OBS-2.2')
  const redacted = JSON.stringify(redactArguments({ sql }))
  expect(redacted).toContain('[redacted]')
  expect(redacted).not.toContain(SECRET)
})

test('tokens are known by their own look', () => {
  verifies('OBS-2.2')
  const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ'
  expect(redactArguments({ note: `see ${jwt} and AKIAABCDEFGHIJKLMNOP` })).toEqual({
    note: 'see [redacted] and [redacted]',
  })
})

test('a secret in the name of a field is gone too', () => {
  expect(JSON.stringify(redactArguments({ [`password=${SECRET}`]: 1 }))).not.toContain(SECRET)
})

test('long text is cut, with the digest of the whole; a secret across the cut does not survive in part', () => {
  const redacted = redactArguments({ sql: `${'x'.repeat(180)} password='${SECRET}${'y'.repeat(1000)}'` }) as {
    sql: string
  }
  expect(redacted.sql).not.toContain('hunter2')
  const long = redactArguments({ sql: 'x'.repeat(10_000) }) as { sql: string }
  expect(long.sql).toMatch(/^x{200}… \[10000 characters, sha256:[0-9a-f]{64}\]$/)
})

test('whatever the arguments are, the copy is small, is JSON, and the original is unchanged', () => {
  verifies('OBS-2.2')
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (args) => {
      const before = JSON.stringify(args)
      const text = JSON.stringify(redactArguments(args))
      expect(() => JSON.parse(text) as unknown).not.toThrow()
      expect(JSON.stringify(args)).toBe(before)
    }),
  )
  const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`field${index}`, 'x'.repeat(499)]))
  const nested = { list: Array.from({ length: 1000 }, () => wide) }
  const empty = {
    list: Array.from({ length: 50 }, () => Array.from({ length: 50 }, () => Array.from({ length: 50 }, () => ({})))),
  }
  for (const args of [wide, nested, empty]) expect(JSON.stringify(redactArguments(args)).length).toBeLessThan(150_000)
})

test('a secret under a secret name never comes out, wherever it is', () => {
  verifies('OBS-2.2')
  const name = fc.constantFrom('password', 'TOKEN', 'apiKey', 'client-secret', 'Authorization')
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 5 },
      fc
        .tuple(name, fc.constantFrom<unknown>(SECRET, [SECRET], { value: SECRET }))
        .map(([key, value]) => ({ [key]: value })),
      fc.array(tie('node'), { maxLength: 4 }),
      fc.dictionary(fc.string({ maxLength: 8 }), tie('node'), { maxKeys: 4 }),
    ),
  })).node
  fc.assert(fc.property(tree, (args) => !JSON.stringify(redactArguments(args)).includes(SECRET)))
})

test.each([
  ['one word', 'x'],
  ['starts of a token', '-eyJ'],
  ['names of secrets', 'password'],
  ['starts of a URL', '://a:'],
  ['starts of a key', '-----BEGIN PRIVATE KEY-----'],
])('two megabytes of %s take no time', (_, part) => {
  const sql = part.repeat(2_000_000 / part.length)
  const started = performance.now()
  redactArguments({ sql, list: Array.from({ length: 50 }, () => sql.slice(0, 4096)) })
  expect(performance.now() - started).toBeLessThan(1000)
})

test('values that are not JSON do not break the audit', () => {
  expect(redactArguments({ a: undefined, b: 1n, c: () => 1, d: Symbol('x') })).toEqual({
    a: '[undefined]',
    b: '[bigint]',
    c: '[function]',
    d: '[symbol]',
  })
})
