import type { RecordedTool, ServerRecord } from '@gatehouse/contracts'
import { mayKnow, reasonFor } from './reasons.ts'

/** A no that the record alone gives, as the server itself would give it. */
export interface RecordDenial {
  readonly rule: 'server-groups' | 'server-surface' | 'server-channel' | 'server-workload' | 'tool-groups'
  /** The tool that it is about; absent for the whole server. */
  readonly tool?: string
  readonly code: 'denied' | 'unknown_tool'
  readonly reason: string
}

const OF_SERVER = ['server-groups', 'server-surface', 'server-channel', 'server-workload'] as const

/** Every no that the record gives to a caller, for whoever enforces the record before the server does: the edge. */
export function serverDenials(record: ServerRecord): readonly RecordDenial[] {
  return [
    ...OF_SERVER.map((rule): RecordDenial => {
      const resource = { kind: 'server' } as const
      return { rule, code: 'denied', reason: reasonFor(rule, { record, resource, policy: undefined }) }
    }),
    ...record.tools.filter(({ groups }) => groups.length > 0).map((tool) => toolDenial(tool, record)),
  ]
}

/** A tool that the caller may not know of is as one that is not there. */
function toolDenial({ name }: RecordedTool, record: ServerRecord): RecordDenial {
  const rule = 'tool-groups'
  if (!mayKnow(rule, record)) return { rule, tool: name, code: 'unknown_tool', reason: 'unknown tool' }
  const reason = reasonFor(rule, { record, resource: { kind: 'tool', name }, policy: undefined })
  return { rule, tool: name, code: 'denied', reason }
}
