import { randomUUID } from 'node:crypto'
import type { BodyEdit, HeaderEdit, JsonEdit, Shot, Value } from './shot.ts'

/** A request as it goes on the wire. */
export interface WireRequest {
  readonly method: string
  readonly path: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Buffer
}

/** What the shot cannot know: it differs from run to run. */
export interface Surroundings {
  readonly url: string
  /** `Authorization`, and the proof if there is one. */
  credentials(shot: Shot, method: string): Promise<readonly (readonly [string, string])[]>
  /** A receipt for these arguments of `store`. */
  readonly receipt: (args: Record<string, string>) => Promise<string>
  /** A session of this credential, if there is one. */
  session(shot: Shot): string | undefined
}

type Json = Record<string, unknown>

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'fuzz', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** The genuine request, changed as the shot says. */
export async function requestOf(shot: Shot, surroundings: Surroundings): Promise<WireRequest> {
  const { method, name, params, id } = await askOf(shot, surroundings)
  const http = shot.method ?? (shot.ask === 'stream' ? 'GET' : shot.ask === 'delete' ? 'DELETE' : 'POST')
  const headers: [string, string][] = [
    ['host', new URL(surroundings.url).host],
    ['accept', 'application/json, text/event-stream'],
    ...(await surroundings.credentials(shot, http)).map(([header, text]): [string, string] => [header, text]),
  ]
  const session = shot.era === 'legacy' && method !== 'initialize' ? surroundings.session(shot) : undefined
  if (session !== undefined) headers.push(['mcp-session-id', session])
  if (shot.era === 'modern') {
    headers.push(['mcp-protocol-version', '2026-07-28'], ['mcp-method', method])
    if (name !== undefined) headers.push(['mcp-name', name])
  }
  const message = {
    jsonrpc: '2.0',
    ...(id !== undefined && { id }),
    ...(shot.ask === 'response' ? { result: {} } : { method, params }),
  }
  const hasBody = shot.ask !== 'stream' && shot.ask !== 'delete'
  const body = hasBody ? bytesOf(shot, message) : Buffer.alloc(0)
  if (hasBody) headers.push(['content-type', 'application/json'])
  if (shot.framing === 'length' && hasBody) headers.push(['content-length', String(body.length)])
  return {
    method: http,
    path: shot.path ?? '/mcp',
    headers: shot.headers.reduce(editHeaders, headers),
    body,
  }
}

interface Asked {
  readonly method: string
  readonly name?: string
  readonly params: Json
  readonly id?: number
}

async function askOf(shot: Shot, { receipt }: Surroundings): Promise<Asked> {
  const { ask, text } = shot
  const meta = shot.era === 'modern' ? { _meta: { ...META } } : {}
  const call = (name: string, args: Json, more: Json = {}): Asked => ({
    method: 'tools/call',
    name,
    id: 1,
    params: {
      name,
      arguments: args,
      ...meta,
      ...(Object.keys(more).length > 0 && { _meta: { ...(meta._meta ?? {}), ...more } }),
    },
  })
  switch (ask) {
    case 'echo':
      return call(ask, { text, times: 2 })
    case 'whoami':
    case 'ads_only':
    case 'no_such_tool':
      return call(ask, {})
    case 'read_table':
      return call(ask, { table: `ads.${text}` })
    case 'fail':
      return call(ask, { how: 'tool_error' })
    case 'query':
      return call(ask, { cost: text.length })
    case 'store': {
      const args = { line: randomUUID() }
      return call(ask, args, shot.approved ? { 'dev.gatehouse/approval': await receipt(args) } : {})
    }
    case 'prompts/get':
      return { method: ask, name: text, id: 1, params: { name: text, ...meta } }
    case 'resources/read':
      return { method: ask, name: `x://${text}`, id: 1, params: { uri: `x://${text}`, ...meta } }
    case 'completion/complete': {
      const params = { ref: { type: 'ref/prompt', name: text }, argument: { name: 'a', value: text }, ...meta }
      return { method: ask, id: 1, params }
    }
    case 'discover':
      return { method: 'server/discover', id: 1, params: meta }
    case 'initialize':
      return {
        method: ask,
        id: 1,
        params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'fuzz', version: text } },
      }
    case 'cancelled':
      return { method: 'notifications/cancelled', params: { requestId: 1, ...meta } }
    case 'listen':
      return { method: 'subscriptions/listen', id: 1, params: { ...meta, notifications: { toolsListChanged: true } } }
    default:
      return { method: ask, id: 1, params: meta }
  }
}

function bytesOf(shot: Shot, message: Json): Buffer {
  const edited = shot.body.reduce<unknown>(editBody, message)
  const json = unquoted(JSON.stringify(edited) ?? '')
  const text = shot.json.reduce(editJson, json)
  return Buffer.from(text, shot.json.some(({ kind }) => kind === 'latin1') ? 'latin1' : 'utf8')
}

function editBody(body: unknown, edit: BodyEdit): unknown {
  if (edit.kind === 'batch') return [body, body]
  if (edit.kind === 'nest') return { jsonrpc: '2.0', id: 1, method: 'tools/call', params: body }
  const copy: unknown = structuredClone(body)
  const places = [...placesIn(copy)]
  const place = places[edit.at % Math.max(1, places.length)]
  if (!place) return copy
  if (!('value' in edit)) Reflect.deleteProperty(place.holder, place.key)
  else {
    const key = edit.kind === 'insert' ? edit.key : place.key
    const value = expand(edit.value)
    Object.defineProperty(place.holder, key, { value, enumerable: true, configurable: true, writable: true })
  }
  return copy
}

function* placesIn(value: unknown, depth = 0): Generator<{ holder: object; key: string }> {
  if (typeof value !== 'object' || value === null || depth > 8) return
  for (const key of Object.keys(value)) {
    yield { holder: value, key }
    yield* placesIn(Reflect.get(value, key), depth + 1)
  }
}

/** Deep values are texts here, since not even `JSON.stringify` takes them; see `unquoted`. */
function expand(value: Value): unknown {
  if (typeof value !== 'object' || value === null) return value
  if ('$long' in value) return 'é'.repeat(Number(value.$long))
  if ('$deep' in value) return `${DEEP}${Number(value.$deep)}`
  return value
}

const DEEP = '\u0001deep'

function editJson(text: string, edit: JsonEdit): string {
  switch (edit.kind) {
    case 'bom':
      return `\uFEFF${text}`
    case 'whitespace':
      return `${' '.repeat(10_000)}${text}\n`
    case 'latin1':
      return `${text.slice(0, -1)},"é":"é"}`
    case 'splice': {
      const at = edit.at % (text.length + 1)
      return text.slice(0, at) + edit.text + text.slice(at + edit.remove)
    }
    case 'duplicate': {
      const braces = [...text.matchAll(/\{(?=")/g)]
      const at = (braces[edit.at % Math.max(1, braces.length)]?.index ?? 0) + 1
      return `${text.slice(0, at)}${JSON.stringify(edit.key)}:${edit.value},${text.slice(at)}`
    }
  }
}

/** Puts the nesting in place of the texts that stand for it. */
function unquoted(json: string): string {
  return json.replace(/"\\u0001deep(\d+)"/g, (_all, depth) => '['.repeat(Number(depth)) + ']'.repeat(Number(depth)))
}

function editHeaders(headers: [string, string][], edit: HeaderEdit): [string, string][] {
  if (edit.kind === 'set') return [...headers.filter(([name]) => name !== edit.name), [edit.name, edit.value]]
  const at = edit.at % Math.max(1, headers.length)
  const chosen = headers[at]
  if (!chosen) return headers
  return edit.kind === 'remove' ? headers.toSpliced(at, 1) : [...headers, chosen]
}
