import { ServerRecord } from '@gatehouse/contracts'
import { HttpProblem, readJsonBody } from '@gatehouse/kit'
import { Hono } from 'hono'
import type { RegistryService } from '../registry-service.ts'
import { statusOf } from './gatehouse-routes.ts'
import { parsed } from './parsed.ts'
import { requireSecret } from './secret.ts'

const MAX_BODY = 1024 * 1024

/** Lists a record without a review. For the local stack and tests alone: the routes exist only where a secret for them is configured. */
export function devRoutes(service: RegistryService, devSecret: string): Hono {
  const routes = new Hono()
  routes.put('/dev/servers/:id', requireSecret(devSecret), async (context) => {
    const record = parsed(ServerRecord, await readJsonBody(context.req.raw, MAX_BODY), 'record_invalid')
    if (record.id !== context.req.param('id')) {
      throw new HttpProblem(400, 'record_invalid', 'id: must be the id of the path')
    }
    return context.json(statusOf(await service.put(record)))
  })
  return routes
}
