import { GatehouseError } from '@gatehouse/contracts'
import { HttpProblem, type Logger, problemResponse, type TokenVerifier } from '@gatehouse/kit'
import { Hono } from 'hono'
import type { AuditStore } from '../audit/audit-store.ts'
import { EDITOR_CLIENT, type RegistryConfig } from '../config.ts'
import type { OfficialService } from '../official/official-service.ts'
import type { RegistryService } from '../registry-service.ts'
import type { SigningKeys } from '../signing/key-store.ts'
import { auditRoutes } from './audit-routes.ts'
import { authorizeRoutes } from './authorize-routes.ts'
import { createAuthenticate } from './authenticate.ts'
import { devRoutes } from './dev-routes.ts'
import { gatehouseRoutes } from './gatehouse-routes.ts'
import { officialRoutes } from './official-routes.ts'

export interface AppOptions {
  readonly config: Pick<RegistryConfig, 'issuer' | 'intakeToken' | 'devSecret'>
  readonly publicUrl: string
  readonly service: RegistryService
  readonly official: OfficialService
  readonly audit: AuditStore
  readonly keys: SigningKeys
  readonly verifier: TokenVerifier
  /** Rejects when the database cannot be used. */
  readonly ping: () => Promise<unknown>
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** The registry's whole HTTP surface at a glance. */
export function createApp(options: AppOptions): Hono {
  const { config, publicUrl, service, official, audit, keys, log } = options
  const authenticate = createAuthenticate(options)
  const app = new Hono()

  app.get('/healthz', async (context) => {
    await options.ping()
    return context.json({ status: 'ok' })
  })
  app.get('/.well-known/oauth-protected-resource', (context) =>
    context.json(resourceMetadata(publicUrl, config.issuer), 200, { 'Cache-Control': 'public, max-age=300' }),
  )
  app.route('/gatehouse/v1', gatehouseRoutes({ service, keys, authenticate }))
  app.route('/gatehouse/v1', authorizeRoutes({ service, authenticate, now: options.now }))
  if (config.intakeToken !== undefined) app.route('/gatehouse/v1', auditRoutes(audit, config.intakeToken, options.now))
  if (config.devSecret !== undefined) app.route('/gatehouse/v1', devRoutes(service, config.devSecret))
  app.route('/v0.1', officialRoutes(official, authenticate))

  app.notFound((context) =>
    withCors(context.res.headers, problemResponse(new HttpProblem(404, 'not_found', 'no such path'))),
  )
  app.onError((error, context) => {
    const response = problemResponse(error)
    if (response.status >= 500) {
      const code = error instanceof GatehouseError ? error.code : 'internal'
      log.error('a request failed', { code, method: context.req.method, path: context.req.path, error })
    }
    return withCors(context.res.headers, response)
  })
  return app
}

/** RFC 9728 section 2. `gatehouse_client_id` saves the person from configuring a client. */
function resourceMetadata(publicUrl: string, issuer: string) {
  return {
    resource: publicUrl,
    resource_name: 'Gatehouse registry',
    authorization_servers: [issuer],
    jwks_uri: `${publicUrl}/gatehouse/v1/keys`,
    scopes_supported: ['mcp'],
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: ['ES256'],
    gatehouse_client_id: EDITOR_CLIENT,
  }
}

/** What the route had set for cross-origin readers also stands on its errors. */
function withCors(set: Headers, response: Response): Response {
  for (const [name, value] of set) if (name.startsWith('access-control-')) response.headers.set(name, value)
  return response
}
