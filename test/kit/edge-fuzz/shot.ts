import fc from 'fast-check'

/** One request, as data: a genuine one, and what is done to it. */
export interface Shot {
  readonly era: 'modern' | 'legacy'
  readonly ask: Ask
  /** Goes into an argument. */
  readonly text: string
  readonly credential: Credential
  /** Whether a write carries a receipt for exactly what it says before it is changed. */
  readonly approved: boolean
  readonly body: readonly BodyEdit[]
  readonly json: readonly JsonEdit[]
  readonly headers: readonly HeaderEdit[]
  readonly method: string | undefined
  readonly path: string | undefined
  /** How the body is sent: with its length, in chunks, or in chunks of a byte each. */
  readonly framing: 'length' | 'chunks' | 'bytes'
  /** Changes of the bytes of the whole request, which then goes over a connection of its own. */
  readonly wire: readonly WireEdit[]
}

const ASKS = [
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'ping',
  'echo',
  'whoami',
  'ads_only',
  'read_table',
  'fail',
  'query',
  'store',
  'no_such_tool',
  'prompts/get',
  'resources/read',
  'completion/complete',
  'discover',
  'initialize',
  'cancelled',
  'listen',
  'response',
  'stream',
  'delete',
] as const
type Ask = (typeof ASKS)[number]

export type Credential =
  | 'bearer'
  | 'finance'
  | 'outsider'
  | 'dpop'
  | 'replayed'
  | 'proofless'
  | 'expired'
  | 'elsewhere'
  | 'wrong'
  | 'none'

/** A value of the body; `$deep` and `$long` stand for what would be too long to print. */
export type Value = fc.JsonValue | { readonly $deep: number } | { readonly $long: number }

export type BodyEdit =
  | { readonly kind: 'replace' | 'insert'; readonly at: number; readonly key: string; readonly value: Value }
  | { readonly kind: 'remove' | 'batch' | 'nest'; readonly at: number }

export type JsonEdit =
  | { readonly kind: 'duplicate'; readonly at: number; readonly key: string; readonly value: string }
  | { readonly kind: 'splice'; readonly at: number; readonly remove: number; readonly text: string }
  | { readonly kind: 'latin1' | 'bom' | 'whitespace' }

export type HeaderEdit =
  | { readonly kind: 'remove' | 'twice'; readonly at: number }
  | { readonly kind: 'set'; readonly name: string; readonly value: string }

export interface WireEdit {
  readonly at: number
  readonly remove: number
  readonly bytes: string
}

const at = fc.nat(400)
const KEYS = [
  'jsonrpc',
  'id',
  'method',
  'params',
  'name',
  'arguments',
  '_meta',
  'text',
  'line',
  'uri',
  'result',
  'error',
  '__proto__',
  'constructor',
  'toString',
  'progressToken',
  'inputResponses',
  'requestState',
  'dev.gatehouse/approval',
  'io.modelcontextprotocol/protocolVersion',
  'io.modelcontextprotocol/clientCapabilities',
  'traceparent',
] as const
const key = fc.oneof(fc.constantFrom(...KEYS), fc.string({ unit: 'binary', maxLength: 12 }))
const value: fc.Arbitrary<Value> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom<fc.JsonValue[]>(null, true, '', 'tools/call', 'store', 'echo', 0, -1, 1.5, {}, []),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
  { weight: 1, arbitrary: fc.record({ $deep: fc.integer({ min: 2, max: 5_000 }) }) },
  { weight: 1, arbitrary: fc.record({ $long: fc.integer({ min: 1_000, max: 60_000 }) }) },
)
const bodyEdit: fc.Arbitrary<BodyEdit> = fc.oneof(
  fc.record({ kind: fc.constantFrom('replace' as const, 'insert' as const), at, key, value }),
  fc.record({ kind: fc.constantFrom('remove' as const, 'batch' as const, 'nest' as const), at }),
)
const NUMBERS = ['1e999', '-0', '9007199254740993', '0.1e-400', '01', '+1', 'NaN', '1.0000000000000000001', '"\\ud800"']
const jsonEdit: fc.Arbitrary<JsonEdit> = fc.oneof(
  fc.record({
    kind: fc.constant('duplicate' as const),
    at,
    key: fc.constantFrom(...KEYS),
    value: fc.constantFrom('null', '1', '"tools/call"', '"store"', '{"line":"smuggled"}', ...NUMBERS),
  }),
  fc.record({
    kind: fc.constant('splice' as const),
    at,
    remove: fc.nat(8),
    text: fc.oneof(
      fc.constantFrom('{', '}', '[', '"', '\\', ',', '\\u0000', '/*', ...NUMBERS),
      fc.string({ maxLength: 6 }),
    ),
  }),
  fc.record({ kind: fc.constantFrom('latin1' as const, 'bom' as const, 'whitespace' as const) }),
)
const HEADERS: readonly (readonly [string, readonly string[]])[] = [
  [
    'content-type',
    [
      'text/plain',
      'application/json; charset=utf-16',
      'application/jsonx',
      'multipart/form-data; boundary=x',
      '',
      'application/json, text/plain',
    ],
  ],
  [
    'accept',
    ['text/html', 'application/json', 'text/event-stream', '*/*', '', 'application/json;q=0, text/event-stream'],
  ],
  ['mcp-protocol-version', ['2024-11-05', '2025-06-18', '2025-11-25', '2026-07-28', '2099-01-01', '', 'x']],
  ['mcp-method', ['tools/list', 'tools/call', 'TOOLS/CALL', 'initialize', '']],
  ['mcp-name', ['store', 'echo', '', '=?base64?c3RvcmU=?=', 'é']],
  ['mcp-session-id', ['', '00000000-0000-4000-8000-000000000000', 'x'.repeat(4_000)]],
  ['last-event-id', ['1', '../..', '']],
  ['authorization', ['Bearer', 'Basic eDp5', 'DPoP x', 'Bearer a b', `Bearer ${'a'.repeat(9_000)}`]],
  ['dpop', ['', 'x.y.z', 'eyJhbGciOiJub25lIn0.e30.']],
  ['host', ['evil.example.com', '', '127.0.0.1', 'localhost:1']],
  ['origin', ['https://evil.example.com', 'null', '']],
  ['content-length', ['0', '1', '5', '99999', '99999999999']],
  ['content-encoding', ['gzip', 'br', 'identity', 'x']],
  ['transfer-encoding', ['gzip', 'chunked, chunked', 'identity']],
  ['connection', ['upgrade', 'close', 'keep-alive, x', 'Content-Length']],
  ['upgrade', ['websocket', 'h2c']],
  ['expect', ['100-continue', '200-ok']],
  ['traceparent', ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'x']],
  ['x-forwarded-for', ['203.0.113.7', 'x'.repeat(2_000)]],
  ['cookie', ['a=b; '.repeat(400)]],
]
const headerEdit: fc.Arbitrary<HeaderEdit> = fc.oneof(
  fc.record({ kind: fc.constantFrom('remove' as const, 'twice' as const), at: fc.nat(12) }),
  fc.oneof(
    ...HEADERS.map(([name, values]) =>
      fc.record({ kind: fc.constant('set' as const), name: fc.constant(name), value: fc.constantFrom(...values) }),
    ),
  ),
)
const wireEdit: fc.Arbitrary<WireEdit> = fc.record({
  at: fc.nat(900),
  remove: fc.nat(6),
  bytes: fc.oneof(
    fc.constantFrom(
      '\r\n',
      '\n',
      '\r\n\r\n',
      '\0',
      ':',
      ' ',
      'HTTP/9.9',
      '\r\nTransfer-Encoding: chunked',
      '\r\nContent-Length: 3',
    ),
    fc.string({ unit: 'binary', maxLength: 8 }),
  ),
})

/** Nothing of it most of the time, so that most requests get deep. */
function seldom<T>(arbitrary: fc.Arbitrary<T>, most: number): fc.Arbitrary<T[]> {
  return fc.oneof(
    { weight: 5, arbitrary: fc.constant<T[]>([]) },
    { weight: 1, arbitrary: fc.array(arbitrary, { minLength: 1, maxLength: most }) },
  )
}

/** `undefined` most of the time. */
function sometimes<T>(weight: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })
}

export const shot: fc.Arbitrary<Shot> = fc.record({
  era: fc.constantFrom('modern', 'modern', 'legacy'),
  ask: fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom(...ASKS) },
    { weight: 1, arbitrary: fc.constantFrom('echo', 'store', 'query') },
  ),
  text: fc.string({ unit: 'binary', maxLength: 20 }),
  credential: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('bearer', 'finance') },
    { weight: 7, arbitrary: fc.constant('dpop') },
    {
      weight: 2,
      arbitrary: fc.constantFrom('outsider', 'replayed', 'proofless', 'expired', 'elsewhere', 'wrong', 'none'),
    },
  ),
  approved: fc.boolean(),
  body: seldom(bodyEdit, 3),
  json: seldom(jsonEdit, 2),
  headers: seldom(headerEdit, 3),
  method: sometimes(
    15,
    fc.constantFrom('GET', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'),
  ),
  path: sometimes(
    20,
    fc.constantFrom(
      '/',
      '/mcp/',
      '/mcp?x=1',
      '//mcp',
      '/MCP',
      '/mcp%00',
      '/../mcp',
      '/.well-known/gatehouse-server',
      '/metrics',
      '/readyz',
      `/${'a'.repeat(8_000)}`,
    ),
  ),
  framing: fc.constantFrom('length', 'length', 'length', 'chunks', 'bytes'),
  wire: fc.oneof(
    { weight: 9, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(wireEdit, { minLength: 1, maxLength: 3 }) },
  ),
})
