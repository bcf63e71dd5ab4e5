import { AsyncLocalStorage } from 'node:async_hooks'
import { ConnectionError } from './errors.ts'
import { createNestingCheck } from './nesting.ts'

/** Bytes of one response body, after decompression. */
const MAX_BODY = 8 * 1024 * 1024
/** Bytes of the body of a refusal that are read; what follows is dropped, since nobody is shown it. */
const MAX_REFUSAL = 64 * 1024
/** How long after its last stream has ended a call may still settle: the client's own resumption starts within it, milliseconds. */
const GRACE = 3000

interface Streams {
  opened(): void
  ended(): void
  failed(error: ConnectionError): void
}

/**
 * The streams that carry one call. The SDK's client leaves a call hanging until its time limit when the response stream ends without
 * a response, so the `fetch` below tells the call when nothing carries it any more.
 */
const current = new AsyncLocalStorage<Streams>()

/** @throws ConnectionError `server_disconnected` when every stream of the call has ended and it has not settled */
export async function overChannel<T>(call: () => Promise<T>, grace = GRACE): Promise<T> {
  let open = 0
  let timer: NodeJS.Timeout | undefined
  const lost = Promise.withResolvers<never>()
  lost.promise.catch(() => undefined)
  const streams: Streams = {
    opened() {
      open++
      clearTimeout(timer)
    },
    ended() {
      open--
      if (open > 0) return
      timer = setTimeout(() => lost.reject(lostConnection()), grace)
    },
    failed: (error) => lost.reject(error),
  }
  try {
    return await Promise.race([current.run(streams, call), lost.promise])
  } finally {
    clearTimeout(timer)
    open = Number.POSITIVE_INFINITY
  }
}

/** Fails the call within which this runs, for what its stream brought. */
export function failCall(error: ConnectionError): void {
  current.getStore()?.failed(error)
}

/** While a person answers an elicitation no stream need be open (MCP 2026-07-28, multi-round-trip requests). */
export async function whileAnswering<T>(answer: () => Promise<T>): Promise<T> {
  const streams = current.getStore()
  streams?.opened()
  try {
    return await answer()
  } finally {
    streams?.ended()
  }
}

/**
 * `fetch` that reports the end of a call's streams and bounds each body.
 * @param title of the server
 * @param refuse throws for an answer that says not to come back yet, however it is used
 */
export function channelFetch(
  send: typeof fetch,
  title: string,
  refuse: (response: Response) => void = () => undefined,
  maxBody = MAX_BODY,
): typeof fetch {
  return async (input, init) => {
    const streams = current.getStore()
    streams?.opened()
    try {
      const response = await send(input, init)
      const { status, statusText, headers } = response
      try {
        refuse(response)
      } catch (error) {
        await response.body?.cancel()
        throw error
      }
      if (!response.ok || !response.body) {
        streams?.ended()
        return response.body ? new Response(beginning(response.body), { status, statusText, headers }) : response
      }
      const isEventStream = /^text\/event-stream\b/i.test(headers.get('content-type') ?? '')
      return new Response(watched(response.body, title, maxBody, createNestingCheck(isEventStream), streams), {
        status,
        statusText,
        headers,
      })
    } catch (error) {
      streams?.ended()
      throw error
    }
  }
}

function lostConnection(): ConnectionError {
  return new ConnectionError('server_disconnected', 'The server ended the connection without an answer.')
}

/** The first bytes of a body, without waiting for the end of what follows them. */
function beginning(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  let size = 0
  const cut = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      size += chunk.byteLength
      if (size <= MAX_REFUSAL) controller.enqueue(chunk)
      else controller.terminate()
    },
  })
  return body.pipeThrough(cut)
}

function watched(
  body: ReadableStream<Uint8Array>,
  title: string,
  maxBody: number,
  isTooDeep: (chunk: Uint8Array) => boolean,
  streams: Streams | undefined,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let size = 0
  let over = false
  const end = () => {
    if (!over) streams?.ended()
    over = true
  }
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (done) {
          controller.close()
          end()
          return
        }
        size += value.byteLength
        const fault =
          size > maxBody ? `larger than ${maxBody} bytes` : isTooDeep(value) ? 'nested too deeply' : undefined
        if (fault) {
          const error = new ConnectionError(
            'result_invalid',
            `The answer of ${title} is ${fault}, so it is not read. Tell its owner.`,
          )
          streams?.failed(error)
          await reader.cancel()
          throw error
        }
        controller.enqueue(value)
      } catch (error) {
        controller.error(error)
        end()
      }
    },
    async cancel(reason) {
      end()
      await reader.cancel(reason)
    },
  })
}
