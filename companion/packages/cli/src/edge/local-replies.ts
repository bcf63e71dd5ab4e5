import { type EnvoyData, extension } from './envoy-data.ts'
import type { Refusal } from './refusals.ts'

/** Header of a refusal, by which the access log knows its code. */
export const REFUSAL_HEADER = 'x-gatehouse-refusal'
const SERVER_ERROR = -32_000

/** Envoy's own answers, in the form of the servers' and with their codes. */
export function localReplies(refusals: readonly Refusal[]): EnvoyData {
  return {
    mappers: refusals.map((refusal) => ({
      filter: {
        extension_filter: extension(
          'envoy.access_loggers.extension_filters.cel',
          'envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter',
          { expression: refusal.when },
        ),
      },
      status_code: refusal.status,
      headers_to_add: headers({ 'cache-control': 'no-store', [REFUSAL_HEADER]: refusal.code, ...refusal.headers }),
      body_format_override: { json_format: bodyOf(refusal) },
    })),
    // What has no line above must not tell how the edge is made.
    body_format: { json_format: { code: 'edge_refused', message: 'the edge does not serve this request' } },
  }
}

function bodyOf({ form, code, message }: Refusal): EnvoyData {
  const text = literal(message)
  return form === 'http'
    ? { code, message: text }
    : // The body has not been read, so nobody knows the request's id (JSON-RPC 2.0 section 5).
      { jsonrpc: '2.0', id: null, error: { code: SERVER_ERROR, message: text, data: { code } } }
}

/** Envoy would take `%…%` for one of its own operators. */
function literal(text: string): string {
  return text.replaceAll('%', '%%')
}

/** A header that Envoy has set already, such as its own challenge, is replaced. */
function headers(values: Readonly<Record<string, string>>): readonly EnvoyData[] {
  return Object.entries(values).map(([key, value]) => ({
    header: { key, value: literal(value) },
    append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
  }))
}
