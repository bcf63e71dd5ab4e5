import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Arrival } from './arrival.ts'
import type { Outcome } from './outcome.ts'

export interface Measured {
  readonly method: string
  /** A tool that there is: what a caller made up is no label. */
  readonly tool?: string
  readonly arrival: Arrival
  readonly meta: Readonly<Record<string, unknown>>
  readonly protocolVersion: string
  /** `error.type` of an outcome that is an error. */
  readonly errorType: (code: string) => string
}

/** Counts `work` among what runs, in a span and the metrics, and gives back its place in the caller's share at its end. */
export async function measured(
  serving: { readonly telemetry: Telemetry; begin(): () => void },
  { method, tool, arrival, meta, protocolVersion, errorType }: Measured,
  work: (traceId: string) => Promise<Outcome>,
): Promise<Outcome> {
  const end = serving.begin()
  const operation = serving.telemetry.operation({
    method,
    ...(tool !== undefined && { tool }),
    protocolVersion,
    traceparent: meta['traceparent'],
  })
  try {
    const outcome = await work(operation.traceId)
    operation.end({ errorType: outcome.isError ? errorType(outcome.code) : undefined })
    return outcome
  } catch (error) {
    operation.end({ errorType: 'internal_error' })
    throw error
  } finally {
    end()
    arrival.leave()
  }
}
