import type { SpanContext } from '@opentelemetry/api'

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const MAX_LENGTH = 256

/**
 * The remote parent of `params._meta.traceparent`, or undefined for anything that W3C Trace Context (level 1, 3.2) does not allow: upper
 * case, version ff, an all-zero id, a version 00 with more behind it. A later version may have more behind it, which is ignored.
 */
export function parseTraceparent(value: unknown): SpanContext | undefined {
  if (typeof value !== 'string' || value.length > MAX_LENGTH) return undefined
  const [, version, traceId, spanId, flags, rest] = TRACEPARENT.exec(value) ?? []
  if (!version || !traceId || !spanId || !flags) return undefined
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
}
