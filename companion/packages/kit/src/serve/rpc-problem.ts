import { GatehouseError } from '@gatehouse/contracts'
import type { JsonAnswer } from '../http/exchange.ts'
import { HttpProblem } from '../http/problem.ts'
import { RecordError } from '../record/record-error.ts'
import { AuthError } from '../tokens/auth-error.ts'
import { AdmissionError } from './admission.ts'

const PARSE_ERROR = -32_700
const SERVER_ERROR = -32_000

/** A refusal before any method runs, as HTTP and JSON-RPC have it at once; clients branch on `error.data.code`. */
export function problemOf(error: unknown, id: unknown = null): JsonAnswer {
  if (error instanceof AuthError) {
    return answer(
      error.status,
      SERVER_ERROR,
      error,
      id,
      error.challenge ? { 'WWW-Authenticate': error.challenge } : { 'Retry-After': '2' },
    )
  }
  if (error instanceof RecordError)
    return answer(503, SERVER_ERROR, error, id, { 'Retry-After': '5' }, { reason: error.reason })
  if (error instanceof AdmissionError)
    return answer(error.status, SERVER_ERROR, error, id, { 'Retry-After': String(error.retryAfter) })
  if (error instanceof RpcProblem) return answer(error.status, error.rpc, error, id)
  if (error instanceof HttpProblem) {
    return answer(error.status, error.code.startsWith('json_') ? PARSE_ERROR : SERVER_ERROR, error, id, error.headers)
  }
  return answer(500, -32_603, { code: 'internal_error', message: 'the server failed; its log says why' }, id)
}

/** The same for what answers as the web does. */
export function rpcProblem(error: unknown): Response {
  const { status, headers, body } = problemOf(error)
  return Response.json(body, { status, headers: { 'Cache-Control': 'no-store', ...headers } })
}

export class RpcProblem extends GatehouseError {
  constructor(
    readonly status: number,
    /** JSON-RPC error code. */
    readonly rpc: number,
    code: string,
    message: string,
  ) {
    super(code, message)
  }
}

function answer(
  status: number,
  rpc: number,
  error: { code: string; message: string },
  id: unknown,
  headers: Readonly<Record<string, string>> = {},
  data: Readonly<Record<string, unknown>> = {},
): JsonAnswer {
  const known = typeof id === 'string' || typeof id === 'number' ? id : null
  const body = {
    jsonrpc: '2.0',
    id: known,
    error: { code: rpc, message: error.message, data: { code: error.code, ...data } },
  }
  return { status, headers, body }
}
