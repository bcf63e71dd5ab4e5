import { type AuditEvent, clientTerms, type ServerRecord, type UserCaller } from '@gatehouse/contracts'
import { createRefusalAudit, type Logger, type Ship, startCourier } from '@gatehouse/kit/edge'
import { refusedLine } from './access-line.ts'
import { edgeRoutes } from './edge-route.ts'
import { type Refusal, refusals } from './refusals.ts'

export interface EdgeAuditOptions {
  /** The records that the edge is rendered from, at this moment. */
  readonly records: () => readonly ServerRecord[]
  readonly ship: Ship
  readonly log: Logger
  /** Events that may wait for the registry. Default 5,000; those beyond are lost, and told. */
  readonly most?: number
}

/** Turns the access log of the edge into the audit events of its refusals. */
export interface EdgeAudit {
  /** One line of the access log, or any other. */
  take(line: string): void
  /** Delivers what waits, for a moment. */
  stop(): Promise<void>
}

/** Of a refusal that concerns no server: of the connection, the host, or a path that is not there. */
const NO_SERVER = 'edge'
const MOST = 5_000
const GRACE = 3_000

export function createEdgeAudit({ records, ship, log, most = MOST }: EdgeAuditOptions): EdgeAudit {
  const waiting: AuditEvent[] = []
  const audits = new Map<string, ReturnType<typeof createRefusalAudit>>()
  let lost = 0
  const courier = startCourier({
    next(count) {
      if (waiting.length === 0) return undefined
      const events = waiting.slice(0, count)
      return {
        events,
        acknowledge: () => void waiting.splice(0, events.length),
        setAside(reason) {
          waiting.splice(0, 1)
          log.error('a refusal of the edge is not in the audit', { code: 'audit_invalid', reason })
        },
      }
    },
    ship,
    log,
    lingerMs: 200,
  })

  async function record(event: AuditEvent): Promise<void> {
    if (waiting.length >= most) {
      lost++
      if (lost === 1 || lost % 1_000 === 0)
        log.error('refusals of the edge are not in the audit: too many wait', { code: 'audit_full', lost })
      return
    }
    waiting.push(event)
    courier.wake()
  }

  /** One for each server, so that a flood at one does not hide what happens at another. */
  function auditOf(server: string): ReturnType<typeof createRefusalAudit> {
    const audit = audits.get(server) ?? createRefusalAudit(server, { record })
    audits.set(server, audit)
    return audit
  }

  return {
    take(text) {
      const line = refusedLine(text)
      if (!line) return
      const found = records().find(({ id }) => id === line.server)
      const { rule, message } = decisionOf(line, found)
      void auditOf(found?.id ?? NO_SERVER)({
        code: line.code,
        rule,
        message,
        caller: found && callerOf(line, found),
        from: line.from ?? undefined,
        tool: line.mcpMethod === 'tools/call' ? (line.mcpName ?? undefined) : undefined,
        startedAt: Date.now() - line.durationMs,
        traceId: /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(line.traceparent ?? '')?.[1],
      })
    },
    stop: () => courier.stop(GRACE),
  }
}

type Refused = NonNullable<ReturnType<typeof refusedLine>>

/** The rule as the server would name it, and the reason that the caller was given. */
function decisionOf({ code, details }: Refused, record: ServerRecord | undefined): { rule: string; message: string } {
  const known = refusals(record ? routesOf(record) : [])
  const exact = known.find((refusal) => refusal.code === code && isAbout(refusal, details))
  const message = (exact ?? known.find((refusal) => refusal.code === code))?.message ?? code
  return { rule: exact?.rule ?? code, message }
}

function isAbout({ when }: Refusal, details: string | null): boolean {
  return details !== null && when.includes(`'${details}'`)
}

function routesOf(record: ServerRecord) {
  const listen = { host: '', port: 0 }
  const issuer = { issuer: '', jwksUri: '' }
  const { environment, url } = record
  return edgeRoutes({
    folder: '',
    environment,
    publicUrl: url,
    listen,
    issuer,
    servers: [{ record, upstream: { kind: 'unix', path: '' } }],
  })
}

/** Of a caller whose token was verified, and whose client is known to the server; else nobody. */
function callerOf({ subject, client, groups, thumbprint }: Refused, record: ServerRecord): UserCaller | undefined {
  const terms = client === null ? undefined : clientTerms(record.clients, client)
  if (subject === null || subject === '' || !terms) return undefined
  return {
    kind: 'user',
    subject: subject.slice(0, 256),
    groups: groups ?? [],
    client: terms.clientId,
    surface: terms.surface,
    ...(thumbprint !== null && { keyThumbprint: thumbprint.slice(0, 64) }),
  }
}
