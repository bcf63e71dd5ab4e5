import { GatehouseError } from '@gatehouse/contracts'
import { z } from 'zod'
import type { Session } from '../session/types.ts'
import type { Access } from './access.ts'
import type { ResourceContents } from './content.ts'
import { ConnectionError, type ConnectionErrorCode } from './errors.ts'
import { isTransient } from './failure.ts'
import { contentsOf, promptTextOf } from './read-result.ts'
import type { ServerConnection } from './server-connection.ts'
import { traceOf } from './trace.ts'
import type { OfferedPrompt, PromptRequest, PromptText, ResourceRequest } from './types.ts'

export interface Reading {
  /** @throws GatehouseError, or the signal's reason */
  getPrompt(request: PromptRequest): Promise<PromptText>
  /** @throws GatehouseError, or the signal's reason */
  readResource(request: ResourceRequest): Promise<readonly ResourceContents[]>
}

export interface ReadingOptions {
  readonly access: Access
  readonly session: Session
  connection(server: string): ServerConnection
  /** Aborted, with a ConnectionError `disposed`, when the window closes. */
  readonly closing: AbortSignal
}

/** The way of one prompt or resource: allowed? reviewed? then asked, and once more over a new connection where the first one broke. */
export function createReading(options: ReadingOptions): Reading {
  const { access } = options
  return { getPrompt: (request) => twice(request, prompt), readResource: (request) => twice(request, resource) }

  async function prompt({ server, name, arguments: args }: PromptRequest, signal: AbortSignal): Promise<PromptText> {
    const record = access.promptAt(server, name)
    const connection = options.connection(server)
    const surface = await connection.surface(record, { signal, eager: true })
    const offered = surface.prompts.get(name)
    if (!offered) throw notOffered('prompt_not_offered', 'prompt')
    requireArguments(offered, args)
    const params = { name, arguments: { ...args }, _meta: { traceparent: traceOf(undefined) } }
    return promptTextOf(await connection.exchange(record, (client, how) => client.getPrompt(params, how), { signal }))
  }

  async function resource({ server, uri }: ResourceRequest, signal: AbortSignal): Promise<readonly ResourceContents[]> {
    const { record, place } = access.resourceAt(server, uri)
    const connection = options.connection(server)
    const surface = await connection.surface(record, { signal, eager: true })
    if (!surface.resources.has(place)) throw notOffered('resource_not_offered', 'resource')
    const params = { uri, _meta: { traceparent: traceOf(undefined) } }
    // Past the client's cache: whether this person may read it now is the server's to decide, each time.
    const result = await connection.exchange(
      record,
      (client, how) => client.readResource(params, { ...how, cacheMode: 'bypass' }),
      { signal },
    )
    return contentsOf(result)
  }

  async function twice<R extends { readonly server: string; readonly signal: AbortSignal }, T>(
    request: R,
    once: (request: R, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const signal = AbortSignal.any([request.signal, options.closing])
    try {
      return await once(request, signal)
    } catch (error) {
      if (!(error instanceof GatehouseError) || !isTransient(error)) throw error
      if (error.code === 'server_refused') options.session.forget(access.recordAt(request.server).url)
      options.connection(request.server).reset()
      return once(request, signal)
    }
  }
}

const Required = z.object({ name: z.string(), required: z.literal(true) })

/** @throws ConnectionError `arguments_invalid`, in words that say which one is missing, as a server's may not be passed on */
function requireArguments({ prompt }: OfferedPrompt, args: Readonly<Record<string, string>>): void {
  const required = (prompt.arguments ?? []).flatMap((argument) => Required.safeParse(argument).data?.name ?? [])
  const missing = required.filter((name) => !Object.hasOwn(args, name))
  if (missing.length === 0) return
  throw new ConnectionError('arguments_invalid', `The prompt needs ${missing.join(', ')}. Nothing was sent.`)
}

function notOffered(code: ConnectionErrorCode, what: string): ConnectionError {
  return new ConnectionError(code, `The server does not offer this ${what} to you at the moment.`)
}
