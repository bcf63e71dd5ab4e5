import { DEFAULT_RATES, type EdgeOptions, type Rate, RATED_ADDRESSES } from './edge-options.ts'
import { duration, type EnvoyData, extension, typed } from './envoy-data.ts'

const NAME = 'envoy.filters.http.local_ratelimit'
const TYPE = 'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit'

/** Limits nothing but on the routes that say so. */
export const rateLimit: EnvoyData = extension(NAME, TYPE, { stat_prefix: 'edge_rate' })

/** Counts each address for itself, and the calls of tools among its requests apart: nobody keeps others out. */
export function rateOf({ rates }: EdgeOptions): EnvoyData {
  const { requests, calls } = { ...DEFAULT_RATES, ...rates }
  const address = { remote_address: {} }
  const toolCall = {
    header_value_match: {
      descriptor_key: CALL,
      descriptor_value: 'yes',
      headers: [{ name: 'mcp-method', string_match: { exact: 'tools/call' } }],
    },
  }
  return {
    [NAME]: typed(TYPE, {
      stat_prefix: 'edge_rate',
      // Of all addresses together: no limit, but the filter wants one.
      token_bucket: bucket({ perSecond: 1_000_000, burst: 1_000_000 }),
      filter_enabled: ALWAYS,
      filter_enforced: ALWAYS,
      max_dynamic_descriptors: RATED_ADDRESSES,
      rate_limits: [{ actions: [address] }, { actions: [address, toolCall] }],
      // A descriptor without a value counts each value apart.
      descriptors: [
        { entries: [{ key: ADDRESS }], token_bucket: bucket(requests) },
        { entries: [{ key: ADDRESS }, { key: CALL, value: 'yes' }], token_bucket: bucket(calls) },
      ],
    }),
  }
}

const ADDRESS = 'remote_address'
const CALL = 'tool_call'
const ALWAYS = { default_value: { numerator: 100, denominator: 'HUNDRED' } }

function bucket({ perSecond, burst }: Rate): EnvoyData {
  return { max_tokens: burst, tokens_per_fill: perSecond, fill_interval: duration(1) }
}
