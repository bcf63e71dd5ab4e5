import type { IncomingHttpHeaders } from 'node:http'
import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  classifyInboundRequest,
  LOG_LEVEL_META_KEY,
  PROTOCOL_VERSION_META_KEY,
} from '@modelcontextprotocol/server'
import { BoundedMap } from '../bounded-map.ts'
import type { MethodName } from './methods.ts'

export const MODERN_VERSION = '2026-07-28'

/** A request of the modern era that is well-formed in every respect that comes before its method. */
export interface ModernRequest {
  readonly id: string | number
  readonly method: MethodName
  readonly params: Readonly<Record<string, unknown>>
  readonly meta: Readonly<Record<string, unknown>>
}

/** Envelopes known to be valid, by their text: a client sends the same one with every request. */
const ENVELOPES = 1_000
const LONGEST_ENVELOPE = 4_096
const METHOD_KEYS = new Set(['jsonrpc', 'id', 'method', 'params'])

/**
 * Recognises the ordinary request. What is not recognised is not refused here: the SDK's own ladder of checks answers it, so what is out of
 * the ordinary is answered by the reference and not by a copy of it.
 */
export function createRecogniser(methods: readonly MethodName[]) {
  const known: ReadonlySet<string> = new Set(methods)
  const envelopes = new BoundedMap<string, true>(ENVELOPES)

  function envelopeIsValid(meta: Record<string, unknown>, headers: IncomingHttpHeaders, body: unknown): boolean {
    const text = JSON.stringify([
      meta[CLIENT_INFO_META_KEY],
      meta[CLIENT_CAPABILITIES_META_KEY],
      meta[LOG_LEVEL_META_KEY],
      meta['progressToken'] === undefined ? 0 : typeof meta['progressToken'],
    ])
    if (envelopes.get(text)) return true
    const route = classifyInboundRequest({
      httpMethod: 'POST',
      protocolVersionHeader: MODERN_VERSION,
      mcpMethodHeader: String(headers['mcp-method']),
      body,
    })
    if (route.kind !== 'modern') return false
    if (text.length <= LONGEST_ENVELOPE) envelopes.set(text, true)
    return true
  }

  return (headers: IncomingHttpHeaders, body: unknown): ModernRequest | undefined => {
    if (headers['mcp-protocol-version'] !== MODERN_VERSION || !isObject(body)) return undefined
    const { jsonrpc, id, method, params } = body
    if (jsonrpc !== '2.0' || (typeof id !== 'string' && !Number.isSafeInteger(id))) return undefined
    if (typeof method !== 'string' || headers['mcp-method'] !== method || !known.has(method)) return undefined
    if (!Object.keys(body).every((key) => METHOD_KEYS.has(key)) || !isObject(params)) return undefined
    const name = method as MethodName
    if (!SHAPES[name](params, headers['mcp-name'])) return undefined
    const meta = params['_meta']
    if (!isObject(meta) || meta[PROTOCOL_VERSION_META_KEY] !== MODERN_VERSION) return undefined
    if (!envelopeIsValid(meta, headers, body)) return undefined
    return { id: id as string | number, method: name, params, meta }
  }
}

type Shape = (params: Record<string, unknown>, nameHeader: string | string[] | undefined) => boolean

const listing: Shape = ({ cursor }) => cursor === undefined || typeof cursor === 'string'

/** What the SDK's schemas demand of the params of each method, and that `Mcp-Name` says what they say. */
const SHAPES: Readonly<Record<MethodName, Shape>> = {
  'tools/list': listing,
  'prompts/list': listing,
  'resources/list': listing,
  'resources/templates/list': listing,
  'tools/call': ({ name, arguments: args }, header) => isName(name, header) && (args === undefined || isObject(args)),
  'prompts/get': ({ name, arguments: args }, header) => isName(name, header) && (args === undefined || isTexts(args)),
  'resources/read': ({ uri }, header) => isName(uri, header),
  // Rarely asked and of many shapes: left to the SDK.
  'completion/complete': () => false,
}

function isName(value: unknown, header: string | string[] | undefined): boolean {
  return typeof value === 'string' && value === header && !value.startsWith('=?')
}

function isTexts(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((text) => typeof text === 'string')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
