import type { UserCaller } from '@gatehouse/contracts'
import { Hono, type Context } from 'hono'
import type { OfficialService } from '../official/official-service.ts'
import { includeDeleted, parseListQuery } from '../official/query.ts'
import type { Authenticate } from './authenticate.ts'

/** `/v0.1`: the official registry's read API. */
export function officialRoutes(service: OfficialService, authenticate: Authenticate): Hono {
  const routes = new Hono()

  // VS Code's gallery asks from a web page's origin; nothing here is read with cookies. On errors too: only a 404 means "not found".
  routes.use(async (context, next) => {
    context.header('Access-Control-Allow-Origin', '*')
    context.header('Access-Control-Allow-Methods', 'GET, OPTIONS')
    context.header('Access-Control-Allow-Headers', 'Authorization, Content-Type')
    if (context.req.method === 'OPTIONS') return context.body(null, 204)
    context.header('Cache-Control', 'private, no-cache')
    context.header('Vary', 'Authorization, DPoP')
    await next()
    return undefined
  })

  routes.get('/servers', async (context) => {
    const caller = await callerOf(context, authenticate)
    return context.json(await service.list(parseListQuery(context.req.query()), caller))
  })

  routes.get('/servers/:name/versions', async (context) => {
    const caller = await callerOf(context, authenticate)
    const deleted = includeDeleted(context.req.query())
    return context.json(await service.versionsOf(context.req.param('name'), deleted, caller))
  })

  routes.get('/servers/:name/versions/:version', async (context) => {
    const caller = await callerOf(context, authenticate)
    const deleted = includeDeleted(context.req.query())
    const { name, version } = context.req.param()
    return context.json(await service.version(name, version, deleted, caller))
  })

  return routes
}

/** No credentials: a reader of public records. Bad credentials: 401, never the public view. */
async function callerOf(context: Context, authenticate: Authenticate): Promise<UserCaller | undefined> {
  if (context.req.header('Authorization') === undefined) return undefined
  return (await authenticate(context)).caller
}
