import { z } from 'zod'
import { CliError } from './cli-error.ts'

/** Answers of the local stack come within milliseconds; a host that hangs is told as such. */
const TIME_LIMIT = 15_000
const Problem = z.object({ code: z.string(), message: z.string() })

/**
 * One request to a service of the stack.
 * @param send how it is authorized, where that is not in `init`
 * @throws CliError with the code that the service answered, `stack_not_running` where nobody listens, `request_failed` for any other answer
 */
export async function request(url: string, init: RequestInit = {}, send = fetch): Promise<string> {
  const response = await send(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(TIME_LIMIT) }).catch(
    (cause: unknown) => {
      if (cause instanceof DOMException) throw new CliError('request_failed', `${url} does not answer`, { cause })
      throw new CliError('stack_not_running', `nothing answers at ${new URL(url).origin}; is "gatehouse up" running?`, {
        cause,
      })
    },
  )
  const text = await response.text()
  if (response.ok) return text
  const problem = Problem.safeParse(parse(text))
  if (problem.success) throw new CliError(problem.data.code, problem.data.message)
  throw new CliError('request_failed', `${url} answered ${response.status}`)
}

/** @throws CliError as `request`, and `request_failed` for an answer of another form */
export async function requestJson<T>(
  schema: z.ZodType<T>,
  url: string,
  init?: RequestInit,
  send?: typeof fetch,
): Promise<T> {
  const parsed = schema.safeParse(parse(await request(url, init, send)))
  if (parsed.success) return parsed.data
  throw new CliError('request_failed', `${url} answered something else than was expected`)
}

/** `init` of a request with a JSON body and a bearer credential. */
export function jsonRequest(method: 'POST' | 'PUT', bearer: string, body: unknown): RequestInit {
  return {
    method,
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${bearer}` },
    body: JSON.stringify(body),
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
