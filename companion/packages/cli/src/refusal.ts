import { z } from 'zod'

/** Why a server refused a request: a problem of its own, or a JSON-RPC error. */
export interface Refusal {
  /** HTTP status. */
  readonly status: number
  readonly code: string
  /** For a person. */
  readonly message: string
}

const Body = z.union([
  z.object({ code: z.string(), message: z.string() }),
  z
    .object({ error: z.object({ message: z.string(), data: z.object({ code: z.string() }) }) })
    .transform(({ error }) => ({ code: error.data.code, message: error.message })),
])
/** Characters that are kept of what a server says. */
const LONGEST = 500

/** `fetch` that remembers the last refusal: of an answer with an error status the MCP client tells the status alone. */
export function watchingRefusals(inner: typeof fetch): { readonly fetch: typeof fetch; last(): Refusal | undefined } {
  let last: Refusal | undefined
  return {
    async fetch(input, init) {
      const response = await inner(input, init)
      last = response.status === 401 || response.status === 403 ? await refusalOf(response.clone()) : undefined
      return response
    },
    last: () => last,
  }
}

async function refusalOf(response: Response): Promise<Refusal | undefined> {
  const body = Body.safeParse(await response.json().catch(() => undefined))
  if (!body.success) return undefined
  const { code, message } = body.data
  return { status: response.status, code, message: message.slice(0, LONGEST) }
}
