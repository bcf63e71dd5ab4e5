import { MissingRequiredClientCapabilityError, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server'
import type { LogLevel, Progress } from '../authoring/context.ts'
import { RecordError } from '../record/record-error.ts'
import type { Arrival } from './arrival.ts'
import type { Exchange, RequiredCapabilities } from './asking.ts'
import { type Serving, serveCall, STATE_INVALID, UNKNOWN_TOOL } from './call.ts'
import { type ListName, serveList } from './list.ts'
import type { Outcome } from './outcome.ts'
import { type Read, serveCompletion, serveRead, type Typed, UNKNOWN } from './read.ts'
import type { Wanted } from './readable.ts'

export type Era = 'modern' | 'legacy'

/** A JSON-RPC request of either era, once its caller is known and its shape is checked. */
export interface MethodRequest {
  readonly era: Era
  readonly arrival: Arrival
  readonly protocolVersion: string
  /** Without the keys of the modern era's envelope and retries. */
  readonly params: Readonly<Record<string, unknown>>
  /** `params._meta`, likewise. */
  readonly meta: Readonly<Record<string, unknown>>
  readonly exchange: Exchange
  /** Aborts when the caller cancels or goes away. */
  readonly signal: AbortSignal
  /** Sends a notification that belongs to this request. One that can reach nobody is dropped. */
  readonly notify: (method: string, params: Record<string, unknown>) => void
  /** Sends a line to the caller's client if it asked for lines of this level. */
  readonly log: (level: LogLevel, message: string) => void
}

type Result = Record<string, unknown>

/** `_meta` key of a failed result's data. Not `structuredContent`: that must fit the output schema, and clients check it of failures too. */
export const FAILURE_META = 'dev.gatehouse/failure'

const METHODS = {
  'tools/list': list('tools'),
  'tools/call': callTool,
  'prompts/list': list('prompts'),
  'prompts/get': getPrompt,
  'resources/list': list('resources'),
  'resources/templates/list': list('resourceTemplates'),
  'resources/read': readResource,
  'completion/complete': complete,
} as const satisfies Record<string, (serving: Serving, request: MethodRequest) => Promise<Result>>
export type MethodName = keyof typeof METHODS

/** The methods of what this server has; of what it has not, the method is not there either. */
export function methodNames({ table }: Pick<Serving, 'table'>): readonly MethodName[] {
  const names: MethodName[] = ['tools/list', 'tools/call']
  if (table.prompts.size > 0) names.push('prompts/list', 'prompts/get')
  if (table.resources.size > 0) names.push('resources/list', 'resources/templates/list', 'resources/read')
  if (table.prompts.size > 0 || table.resources.size > 0) names.push('completion/complete')
  return names
}

/**
 * The one way from a method's name to its result, for both eras and whatever carries the request. Its params have the shape of the method.
 * @throws ProtocolError, without detail for what has no code of its own
 */
export async function serveMethod(serving: Serving, method: MethodName, request: MethodRequest): Promise<Result> {
  try {
    return await METHODS[method](serving, request)
  } catch (error) {
    if (error instanceof ProtocolError) throw error
    if (error instanceof RecordError)
      throw new ProtocolError(-32_000, error.message, { code: error.code, reason: error.reason })
    serving.log.error('a request failed', { code: 'internal', method, error })
    throw new ProtocolError(ProtocolErrorCode.InternalError, 'the server failed; its log says why', {
      code: 'internal_error',
    })
  }
}

function list(name: ListName) {
  return async (serving: Serving, { arrival, protocolVersion, params }: MethodRequest): Promise<Result> => {
    // Lists come whole, so no cursor was ever handed out.
    if (params['cursor'] !== undefined)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'the cursor is not one of this server', {
        code: 'cursor_invalid',
      })
    return { [name]: await serveList(serving, name, arrival, protocolVersion) }
  }
}

async function callTool(serving: Serving, request: MethodRequest): Promise<Result> {
  const { params } = request
  const outcome = await serveCall(serving, {
    ...common(request),
    name: params['name'] as string,
    arguments: (params['arguments'] ?? {}) as Record<string, unknown>,
  })
  if (outcome.input) return { resultType: 'input_required', ...outcome.input }
  // Before 2026-07-28 there was no such error, and a tool's failure is a result.
  if (outcome.code === CAPABILITY_MISSING && request.era === 'modern') throw capabilityMissing(outcome)
  // MCP 2026-07-28, server/tools, "error handling": an unknown tool is a protocol error, and so is a state that is not ours.
  if (outcome.code === UNKNOWN_TOOL || outcome.code === STATE_INVALID)
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, outcome.structured['message'] as string, {
      code: outcome.code,
    })
  return resultOf(outcome)
}

function resultOf(outcome: Outcome): Result {
  const attached = outcome.content ?? []
  const text = outcome.text === '' && attached.length > 0 ? [] : [{ type: 'text', text: outcome.text }]
  const content = [...text, ...attached]
  if (!outcome.isError) return { content, structuredContent: outcome.structured }
  return { content, isError: true, _meta: { [FAILURE_META]: outcome.structured } }
}

async function getPrompt(serving: Serving, request: MethodRequest): Promise<Result> {
  const { name, arguments: args = {} } = request.params as { name: string; arguments?: Record<string, string> }
  return read(serving, request, { kind: 'prompt', name, arguments: args })
}

async function readResource(serving: Serving, request: MethodRequest): Promise<Result> {
  return read(serving, request, { kind: 'resource', uri: request.params['uri'] as string })
}

async function read(serving: Serving, request: MethodRequest, wanted: Wanted): Promise<Result> {
  const outcome = await serveRead(serving, readOf(request, wanted))
  if (outcome.input) return { resultType: 'input_required', ...outcome.input }
  return resultOrThrow(outcome, wanted)
}

interface CompleteParams {
  readonly ref:
    | { readonly type: 'ref/prompt'; readonly name: string }
    | { readonly type: 'ref/resource'; readonly uri: string }
  readonly argument: { readonly name: string; readonly value: string }
  readonly context?: { readonly arguments?: Readonly<Record<string, string>> }
}

async function complete(serving: Serving, request: MethodRequest): Promise<Result> {
  const { ref, argument, context } = request.params as unknown as CompleteParams
  const wanted: Wanted =
    ref.type === 'ref/prompt' ? { kind: 'prompt', name: ref.name, arguments: {} } : { kind: 'resource', uri: ref.uri }
  const typed: Typed = { argument: argument.name, value: argument.value, others: context?.arguments ?? {} }
  return resultOrThrow(await serveCompletion(serving, readOf(request, wanted), typed), wanted)
}

function resultOrThrow(outcome: Outcome, wanted: Wanted): Result {
  if (!outcome.isError) return outcome.structured
  if (outcome.code === CAPABILITY_MISSING) throw capabilityMissing(outcome)
  const { message, ...data } = outcome.structured
  throw new ProtocolError(errorCodeOf(outcome.code), String(message), {
    ...data,
    ...(wanted.kind === 'resource' && { uri: wanted.uri }),
  })
}

const SERVER_ERROR = -32_000

/** A resource that is not there is invalid params in both eras: the SDK has dropped the code of its own that it had before 2026-07-28. */
function errorCodeOf(code: string): number {
  if (code === UNKNOWN.resource || code === UNKNOWN.prompt) return ProtocolErrorCode.InvalidParams
  if (code === 'invalid_arguments' || code === 'input_invalid' || code === STATE_INVALID)
    return ProtocolErrorCode.InvalidParams
  return code === 'internal_error' ? ProtocolErrorCode.InternalError : SERVER_ERROR
}

const CAPABILITY_MISSING = 'client_capability_missing'

function capabilityMissing({ structured }: Outcome): ProtocolError {
  const requiredCapabilities = structured['required'] as RequiredCapabilities
  return new MissingRequiredClientCapabilityError({ requiredCapabilities }, String(structured['message']))
}

function readOf(request: MethodRequest, wanted: Wanted): Read {
  return { ...common(request), wanted }
}

function common(request: MethodRequest) {
  const { arrival, meta, protocolVersion, signal, exchange, log } = request
  return { arrival, meta, protocolVersion, signal, exchange, log, progress: progressOf(request) }
}

function progressOf({ meta, notify }: MethodRequest): ((progress: Progress) => void) | undefined {
  const progressToken = meta['progressToken']
  if (progressToken === undefined) return undefined
  return (progress) => notify('notifications/progress', { progressToken, ...progress })
}
