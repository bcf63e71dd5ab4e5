import type { ToolSurface } from '@gatehouse/contracts'
import { buildAuditEvent } from '../audit/event.ts'
import type { Arrival } from './arrival.ts'
import type { Serving } from './call.ts'

/** The tools that this caller may call, by the same decision as the call itself: what may not be called is not listed. */
export async function serveList(serving: Serving, arrival: Arrival, protocolVersion: string): Promise<ToolSurface[]> {
  const { policy, gate, telemetry, journal } = serving
  const operation = telemetry.operation({ method: 'tools/list', protocolVersion })
  try {
    const { record } = gate.current()
    const { caller } = arrival
    const visible = serving.table.surface.tools.filter(({ name }) => {
      const resource = { kind: 'tool', name }
      const allowed = (action: 'list' | 'call') => policy.decide({ caller, action, resource, record }).allowed
      return allowed('list') && allowed('call')
    })
    const decision = policy.decide({ caller, action: 'list', resource: { kind: 'server' }, record })
    const { from, startedAt } = arrival
    const { traceId } = operation
    await journal.record(
      buildAuditEvent({
        server: serving.id,
        action: 'list',
        caller,
        from,
        decision,
        outcome: 'ok',
        startedAt,
        traceId,
      }),
    )
    operation.end({})
    return visible
  } catch (error) {
    operation.end({ errorType: 'internal_error' })
    throw error
  }
}
