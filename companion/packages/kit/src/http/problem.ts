import { GatehouseError } from '@gatehouse/contracts'

/** An error with the HTTP status that tells it. Its message is for the client: nothing internal goes in it. */
export class HttpProblem extends GatehouseError {
  constructor(
    readonly status: number,
    code: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    super(code, message, options)
  }
}

/** Codes that any service may meet and that are not the client's fault. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = { database_unreachable: 503, shutting_down: 503 }

/**
 * The one error shape of Gatehouse's own HTTP APIs: `{ code, message }`.
 * What is not a `GatehouseError` with a known status is a fault of ours: 500, and its text stays in the log.
 */
export function problemResponse(error: unknown): Response {
  if (error instanceof HttpProblem) return jsonProblem(error.status, error.code, error.message, error.headers)
  if (error instanceof GatehouseError) {
    // Errors of other parts that carry a status and a challenge of their own, such as the kit's AuthError.
    const status = 'status' in error && typeof error.status === 'number' ? error.status : STATUS_OF_CODE[error.code]
    if (status !== undefined) {
      const challenge = 'challenge' in error && typeof error.challenge === 'string' ? error.challenge : ''
      const headers = challenge === '' ? {} : { 'WWW-Authenticate': challenge }
      return jsonProblem(
        status,
        error.code,
        error.message,
        status === 503 ? { ...headers, 'Retry-After': '2' } : headers,
      )
    }
  }
  return jsonProblem(500, 'internal', 'the service failed; its log says why')
}

function jsonProblem(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json({ code, message }, { status, headers: { 'Cache-Control': 'no-store', ...headers } })
}
