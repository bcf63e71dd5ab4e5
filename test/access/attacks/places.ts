import type { Attack } from './attack.ts'

/** There is nothing at such a path: without an edge the server whose port it is has one endpoint, and the edge has one for each server. */
const NOWHERE = { code: 'not_found', recorded: { kit: [] } } as const
/** At the edge it is the address of the other server, whose audience this token has not. */
const OTHER = { code: 'not_found', edgeCode: 'token_invalid', recorded: { kit: [] } } as const
const REFUSED_PATH = { code: 'not_found', edgeCode: 'http_malformed', recorded: { kit: [] } } as const
const HOST = { code: 'host_refused' }

export const PATHS: readonly Attack[] = [
  {
    id: 'the other server',
    target: '{vault}',
    refused: { code: 'not_found', edgeCode: 'token_invalid', recorded: { kit: [] } },
  },
  { id: 'up and down to the other server', target: '{path}/../..{vault}', refused: OTHER },
  { id: 'up in percents', target: '{path}/%2e%2e/%2e%2e{vault}', refused: OTHER },
  { id: 'an encoded slash', target: '/x%2f..{vault}', refused: REFUSED_PATH },
  { id: 'a backslash', target: '/x\\..\\{vault}', refused: { ...OTHER, code: 'http_malformed' } },
  { id: 'a parameter of the path', target: '{path};/..{vault}', refused: NOWHERE },
  { id: 'a slash at the end', target: '{path}/', refused: NOWHERE },
  { id: 'in capitals', target: '/PRESTO/MCP', refused: NOWHERE },
  { id: 'a letter in percents', target: '/presto/%6dcp', refused: { ...NOWHERE, harmlessAtEdge: true } },
  { id: 'below the endpoint', target: '{path}/search', refused: NOWHERE },
]

export const HOSTS: readonly Attack[] = [
  { id: 'another name', host: 'attacker.example', refused: HOST },
  { id: 'another name with our port', host: 'attacker.example:{port}', refused: HOST },
  { id: 'our name before another', host: '{host}.attacker.example', refused: HOST },
  { id: 'our name before an @', host: '{host}@attacker.example', refused: HOST },
  { id: 'two names', host: '{host}, attacker.example', refused: HOST },
  { id: 'a page elsewhere', headers: ['Origin: https://attacker.example'], refused: { code: 'origin_refused' } },
  { id: 'a page without an origin', headers: ['Origin: null'], refused: { code: 'origin_refused' } },
]

/** Two readers of one stream of bytes must not see two requests; what could be read in two ways is not read. */
const UNPARSED = { code: 'http_malformed' } as const
const SECOND = 'POST {path} HTTP/1.1\r\nHost: {host}\r\n{credentials}\r\nContent-Length: {length}\r\n\r\n{body}'

export const SMUGGLING: readonly Attack[] = [
  {
    id: 'a length and chunks',
    framing: { lines: ['Content-Length: 5', 'Transfer-Encoding: chunked'], wire: `0\r\n\r\n${SECOND}` },
    refused: UNPARSED,
  },
  {
    id: 'chunks and a length',
    framing: { lines: ['Transfer-Encoding: chunked', 'Content-Length: 4'], wire: `0\r\n\r\n${SECOND}` },
    refused: UNPARSED,
  },
  {
    id: 'two lengths',
    framing: { lines: ['Content-Length: 0', 'Content-Length: {length}'], wire: '{body}' },
    refused: UNPARSED,
  },
  {
    id: 'two lengths in one',
    framing: { lines: ['Content-Length: 0, {length}'], wire: '{body}' },
    refused: UNPARSED,
  },
  {
    id: 'a length with a sign',
    framing: { lines: ['Content-Length: +{length}'], wire: '{body}' },
    refused: UNPARSED,
  },
  {
    id: 'chunks spelled otherwise',
    framing: { lines: ['Content-Length: {length}', 'Transfer-Encoding: xchunked'], wire: '{body}' },
    refused: UNPARSED,
  },
  {
    id: 'chunks twice',
    framing: { lines: ['Transfer-Encoding: chunked, identity'], wire: `0\r\n\r\n${SECOND}` },
    refused: UNPARSED,
  },
  {
    id: 'chunks with a space before the colon',
    framing: { lines: ['Content-Length: {length}', 'Transfer-Encoding : chunked'], wire: '{body}' },
    refused: UNPARSED,
  },
  {
    id: 'a chunk whose length is no number',
    framing: { lines: ['Transfer-Encoding: chunked'], wire: `0x5\r\nhello\r\n0\r\n\r\n${SECOND}` },
    refused: {
      code: 'http_malformed',
      recorded: { kit: ['body_incomplete'], envoy: ['body_incomplete', 'http_malformed'] },
    },
  },
]
