import { AuditEvent } from '@gatehouse/contracts'
import { readJsonBody } from '@gatehouse/kit'
import { Hono } from 'hono'
import { z } from 'zod'
import type { AuditStore } from '../audit/audit-store.ts'
import { parsed } from './parsed.ts'
import { requireSecret } from './secret.ts'

const MAX_EVENTS = 1000
const MAX_BODY = 8 * 1024 * 1024
const Delivery = z.object({ events: z.array(AuditEvent).max(MAX_EVENTS) })

/** `POST /gatehouse/v1/audit`: the servers deliver their journals. Repeating a delivery is harmless. */
export function auditRoutes(audit: AuditStore, intakeToken: string, now: () => number): Hono {
  const routes = new Hono()
  routes.post('/audit', requireSecret(intakeToken), async (context) => {
    const { events } = parsed(Delivery, await readJsonBody(context.req.raw, MAX_BODY), 'events_invalid')
    return context.json(await audit.append(events, new Date(now())))
  })
  return routes
}
