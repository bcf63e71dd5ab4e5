import type { HttpBindings } from '@hono/node-server'
import { GatehouseError } from '@gatehouse/contracts'
import { isLegacyRequest, type McpHttpHandler } from '@modelcontextprotocol/server'
import { Hono } from 'hono'
import { readJsonBody } from '../http/body.ts'
import { HttpProblem, problemResponse } from '../http/problem.ts'
import { AuthError } from '../tokens/auth-error.ts'
import type { TokenVerifier } from '../tokens/verifier.ts'
import type { Admission } from './admission.ts'
import { Arrival, authInfoOf } from './arrival.ts'
import type { Serving } from './call.ts'
import { createFailureLimit } from './failure-limit.ts'
import { checkAddress, checkBody, type Guard, repeatedHeader } from './guard.ts'
import type { LegacySessions } from './legacy-sessions.ts'
import { rpcProblem } from './rpc-problem.ts'
import { createRefusalAudit } from './refusal-audit.ts'
import { createTurnstile } from './turnstile.ts'

export interface AppOptions {
  readonly serving: Serving
  readonly title: string
  readonly issuer: string
  readonly guard: Guard
  readonly verifier: TokenVerifier
  readonly admission: Admission
  readonly modern: McpHttpHandler
  readonly legacy: LegacySessions
  /** Whether the server has been told to stop. */
  readonly draining: () => boolean
}

type Env = { Bindings: HttpBindings }

/** The whole HTTP surface of a server. */
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
    checkAddress(c.req.raw, guard)
    await next()
  })
  const metadata = {
    resource: serving.url,
    resource_name: options.title,
    authorization_servers: [options.issuer],
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: ['ES256'],
    scopes_supported: ['mcp'],
  }
  app.get('/.well-known/oauth-protected-resource', (c) => c.json(metadata))
  app.get('/.well-known/oauth-protected-resource/mcp', (c) => c.json(metadata))
  // Never the tools: those are for callers who may call them.
  app.get('/.well-known/gatehouse-server', (c) => {
    const state = serving.gate.state()
    const record = state.kind === 'serving' ? serving.gate.current().jws : null
    return c.json({ id: serving.id, record, surfaceDigest: serving.table.digest, state })
  })

  app.all('/mcp', createMcpEndpoint(options))
  return app
}

/** In this order: address, record, caller, body, place, era. Whatever is refused here never reaches the SDK. */
function createMcpEndpoint({ serving, guard, verifier, admission, modern, legacy, draining }: AppOptions) {
  const auditRefusal = createRefusalAudit(serving.id, serving.journal)
  const failures = createFailureLimit(serving.limits.failures)
  const turnstile = createTurnstile({ admission, failures, verifier, auditRefusal })

  async function authenticate(
    request: Request,
    incoming: HttpBindings['incoming'],
    startedAt: number,
  ): Promise<Arrival> {
    const from = incoming.socket.remoteAddress
    try {
      checkAddress(request, guard)
      serving.gate.current()
      if (repeatedHeader(incoming, 'authorization')) {
        throw new AuthError('authorization_repeated', 'there is more than one Authorization header', serving.url)
      }
      const authorization = request.headers.get('authorization') ?? undefined
      const looked = turnstile.look(from, authorization)
      const verified = verifier.verify({
        method: request.method,
        url: serving.url,
        authorization,
        dpop: request.headers.get('dpop') ?? undefined,
      })
      verified.then(() => looked(), looked)
      return new Arrival((await verified).caller, from, startedAt)
    } catch (error) {
      if (error instanceof GatehouseError)
        await auditRefusal({ code: error.code, message: error.message, from, startedAt })
      throw error
    }
  }

  return async (c: { req: { raw: Request }; env: HttpBindings }): Promise<Response> => {
    const startedAt = Date.now()
    const request = c.req.raw
    let body: unknown
    try {
      if (draining())
        throw new HttpProblem(503, 'shutting_down', 'the server is stopping', {
          Connection: 'close',
          'Retry-After': '2',
        })
      const arrival = await authenticate(request, c.env.incoming, startedAt)
      await turnstile.open(arrival, c.env.outgoing)
      body = request.method === 'POST' ? await readJsonBody(request, serving.limits.body) : undefined
      checkBody(body, request.headers)
      await turnstile.pass(arrival, body, c.env.outgoing)
      if (await isLegacyRequest(request, body)) return await legacy.handle(request, body, arrival)
      return await modern.fetch(request, { authInfo: authInfoOf(arrival), parsedBody: body })
    } catch (error) {
      if (!(error instanceof GatehouseError)) serving.log.error('a request failed', { code: 'internal', error })
      return rpcProblem(error, requestIdOf(body))
    }
  }
}

function requestIdOf(body: unknown): unknown {
  return typeof body === 'object' && body !== null && 'id' in body ? body.id : null
}
