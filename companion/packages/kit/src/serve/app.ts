import type { HttpBindings } from '@hono/node-server'
import { GatehouseError } from '@gatehouse/contracts'
import { Hono } from 'hono'
import { problemResponse } from '../http/problem.ts'
import type { Serving } from './call.ts'
import { checkAddress, type Guard } from './guard.ts'
import { scopesOf } from './tool-table.ts'

export interface AppOptions {
  readonly serving: Serving
  readonly title: string
  readonly issuer: string
  readonly guard: Guard
  /** Whether the server has been told to stop. */
  readonly draining: () => boolean
}

type Env = { Bindings: HttpBindings }

/** The HTTP surface of a server beside its MCP endpoint: what is asked now and then. */
export function createApp(options: AppOptions): Hono<Env> {
  const { serving, guard } = options
  const app = new Hono<Env>()
  app.onError((error) => {
    if (!(error instanceof GatehouseError)) serving.log.error('a request failed', { code: 'internal', error })
    return problemResponse(error)
  })
  app.notFound((c) => c.json({ code: 'not_found', message: 'there is nothing here' }, 404))

  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/readyz', (c) => {
    const state = serving.gate.state()
    const ready = state.kind === 'serving' && !options.draining()
    return c.json({ status: ready ? 'ready' : 'not_ready', record: state }, ready ? 200 : 503)
  })
  app.get('/metrics', async (c) =>
    c.text(await serving.telemetry.metricsText(), 200, { 'Content-Type': 'text/plain; version=0.0.4' }),
  )

  app.use('/.well-known/*', async (c, next) => {
    checkAddress(c.env.incoming, guard)
    await next()
  })
  const metadata = {
    resource: serving.url,
    resource_name: options.title,
    authorization_servers: [options.issuer],
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: ['ES256'],
    scopes_supported: ['mcp', ...scopesOf(serving.table)],
  }
  app.get('/.well-known/oauth-protected-resource', (c) => c.json(metadata))
  // RFC 9728 section 3.1: the resource's own path comes after; with a public URL that has a path, this is where clients ask.
  for (const path of new Set(['/mcp', new URL(serving.url).pathname]))
    app.get(`/.well-known/oauth-protected-resource${path}`, (c) => c.json(metadata))
  // Never the tools: those are for callers who may call them.
  app.get('/.well-known/gatehouse-server', (c) => {
    const state = serving.gate.state()
    const record = state.kind === 'serving' ? serving.gate.current().jws : null
    return c.json({ id: serving.id, record, surfaceDigest: serving.table.digest, state })
  })

  return app
}
