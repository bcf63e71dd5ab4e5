import type { AuditEvent } from '@gatehouse/contracts'
import { buildAuditEvent } from '../../../companion/packages/kit/src/audit/event.ts'

/** A read by Ada; `note` makes it as long as a test needs, up to 500 characters. */
export function sampleEvent(note = 'SELECT 1'): AuditEvent {
  return buildAuditEvent({
    server: 'presto',
    action: 'call',
    caller: { kind: 'user', subject: 'ada', groups: ['ads'], client: 'gatehouse-vscode', surface: 'ide' },
    from: '127.0.0.1',
    tool: 'run_query',
    arguments: { sql: note },
    decision: { allowed: true, reason: 'allowed', rule: 'groups' },
    outcome: 'ok',
    startedAt: Date.now(),
  })
}
