import { AuthorizeBatch, AuthorizeQuestion } from '@gatehouse/contracts'
import { readJsonBody } from '@gatehouse/kit'
import { Hono } from 'hono'
import type { RegistryService } from '../registry-service.ts'
import type { Authenticate } from './authenticate.ts'
import { parsed } from './parsed.ts'
import { createRequestLimit } from './request-limit.ts'

const MAX_BODY = 1024 * 1024
const PER_MINUTE = 240
const CODE = 'question_invalid'

export interface AuthorizeRoutesOptions {
  readonly service: RegistryService
  readonly authenticate: Authenticate
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** `POST /gatehouse/v1/authorize`: what each server would decide of the caller, one question or a batch, answered alike. */
export function authorizeRoutes({ service, authenticate, now }: AuthorizeRoutesOptions): Hono {
  const routes = new Hono()
  const limit = createRequestLimit(PER_MINUTE, now)
  routes.post('/authorize', async (context) => {
    const asking = await authenticate(context)
    limit.take(asking.caller)
    const body = await readJsonBody(context.req.raw, MAX_BODY)
    const batch = typeof body === 'object' && body !== null && 'questions' in body
    const questions = batch ? parsed(AuthorizeBatch, body, CODE).questions : [parsed(AuthorizeQuestion, body, CODE)]
    const answers = await service.authorize(asking, questions)
    return context.json(batch ? { answers } : answers[0], 200, { 'Cache-Control': 'no-store' })
  })
  return routes
}
