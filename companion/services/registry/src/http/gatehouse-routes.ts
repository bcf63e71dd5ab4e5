import { readJsonBody } from '@gatehouse/kit'
import { Hono } from 'hono'
import { z } from 'zod'
import type { RegistryService } from '../registry-service.ts'
import type { StoredServer } from '../servers/stored-server.ts'
import type { SigningKeys } from '../signing/key-store.ts'
import type { Authenticate } from './authenticate.ts'
import { parsed } from './parsed.ts'

const JWT = { 'Content-Type': 'application/jwt' }
const StatusChange = z.object({ reason: z.string().trim().min(1).max(500) })
const MAX_BODY = 16 * 1024

export interface GatehouseRoutesOptions {
  readonly service: RegistryService
  readonly keys: SigningKeys
  readonly authenticate: Authenticate
}

/** `/gatehouse/v1`: what the extension and the servers' kits live by. */
export function gatehouseRoutes({ service, keys, authenticate }: GatehouseRoutesOptions): Hono {
  const routes = new Hono()

  routes.get('/list', async (context) => {
    const answer = await service.list(await authenticate(context), context.req.header('If-None-Match'))
    const headers = { ETag: answer.etag, 'Cache-Control': 'private, no-cache', Vary: 'Authorization, DPoP' }
    if (answer.kind === 'not-modified') return context.body(null, 304, headers)
    return context.body(answer.jws, 200, { ...headers, ...JWT })
  })

  routes.get('/records/:id', async (context) => {
    const jws = await service.signedRecord(context.req.param('id'))
    return context.body(jws, 200, { ...JWT, 'Cache-Control': 'no-store' })
  })

  routes.get('/keys', (context) => {
    const jwks = { keys: keys.all.map(({ publicJwk }) => publicJwk) }
    return context.json(jwks, 200, {
      'Content-Type': 'application/jwk-set+json',
      'Cache-Control': 'public, max-age=60',
    })
  })

  routes.post('/servers/:id/suspend', async (context) => {
    const asking = await authenticate(context)
    const { reason } = parsed(StatusChange, await readJsonBody(context.req.raw, MAX_BODY), 'change_invalid')
    return context.json(statusOf(await service.suspend(asking, context.req.param('id'), reason)))
  })

  routes.post('/servers/:id/reinstate', async (context) => {
    const asking = await authenticate(context)
    const { reason } = parsed(StatusChange, await readJsonBody(context.req.raw, MAX_BODY), 'change_invalid')
    return context.json(statusOf(await service.reinstate(asking, context.req.param('id'), reason)))
  })

  return routes
}

export function statusOf({ record: { id, version, status }, suspension }: StoredServer) {
  return { id, version, status, ...(suspension !== undefined && { reason: suspension }) }
}
