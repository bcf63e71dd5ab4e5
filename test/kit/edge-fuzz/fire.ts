import { Agent, type IncomingMessage, request as httpRequest } from 'node:http'
import { rawHttp } from '../../support/raw-http.ts'
import type { WireRequest } from './request.ts'
import type { Shot, WireEdit } from './shot.ts'

export interface Fired {
  /** 0: the connection was closed without an answer. */
  readonly status: number
  /** Neither answered nor closed within the limit. */
  readonly hung: boolean
  /** `Mcp-Session-Id` of the answer. */
  readonly session?: string | undefined
}

/** Far more than any answer takes, also on a machine that is busy with other things, milliseconds. */
const LIMIT = 30_000
/** How long a stream that says nothing more is listened to, milliseconds. */
const STREAM = 100

/** Requests that any HTTP client could send share kept connections; the others have one each. */
export function createGun(url: string, inFlight: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: inFlight })
  return {
    fire: (shot: Shot, request: WireRequest) =>
      shot.wire.length > 0 || !isSendable(request) ? fireRaw(url, shot, request) : fireHttp(agent, url, shot, request),
    close: () => agent.destroy(),
  }
}

/** Node's client refuses to send what is no HTTP. */
function isSendable({ headers, path }: WireRequest): boolean {
  // RFC 9110 section 5.5: what a header may hold.
  return headers.every(([, value]) => /^[\t\x20-\x7e\x80-\xff]*$/.test(value)) && /^[\x21-\x7e]+$/.test(path)
}

function fireHttp(agent: Agent, url: string, shot: Shot, { method, path, headers, body }: WireRequest): Promise<Fired> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const lines = headers.flatMap(([name, value]) => [name, value])
    const chunked =
      shot.framing !== 'length' && body.length > 0 && !headers.some(([name]) => name === 'transfer-encoding')
    const request = httpRequest({
      agent,
      hostname,
      port,
      method,
      path,
      setHost: false,
      headers: chunked ? [...lines, 'transfer-encoding', 'chunked'] : lines,
    })
    const timer = setTimeout(() => settle({ status: 0, hung: true }), LIMIT)
    const settle = (fired: Fired): void => {
      clearTimeout(timer)
      resolve(fired)
    }
    request.on('error', () => settle({ status: 0, hung: false }))
    request.on('response', (response) => {
      const session = response.headers['mcp-session-id']
      const fired = {
        status: response.statusCode ?? 0,
        hung: false,
        session: session === undefined ? session : String(session),
      }
      drain(response, () => settle(fired))
    })
    for (const part of partsOf(shot, body)) request.write(part)
    request.end()
  })
}

/** Reads to the end, or as long as a stream has something to say. */
function drain(response: IncomingMessage, done: () => void): void {
  const isStream = String(response.headers['content-type']).startsWith('text/event-stream')
  const timer = isStream ? setTimeout(() => response.destroy(), STREAM) : undefined
  response.resume()
  response.once('close', () => {
    clearTimeout(timer)
    done()
  })
}

function partsOf({ framing }: Shot, body: Buffer): Buffer[] {
  if (body.length === 0) return []
  if (framing !== 'bytes') return [body]
  const step = Math.max(1, Math.ceil(body.length / 50))
  return Array.from({ length: Math.ceil(body.length / step) }, (_, n) => body.subarray(n * step, (n + 1) * step))
}

async function fireRaw(url: string, shot: Shot, { method, path, headers, body }: WireRequest): Promise<Fired> {
  const head = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const whole = Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${head}\r\n`), body])
  const bytes = shot.wire.reduce(editWire, whole)
  const answer = await rawHttp(
    url,
    (socket) => {
      socket.write(bytes)
      // One in a few leaves it at that, and waits; the others say that this was all.
      if (bytes.length % 8 !== 0) socket.end()
      socket.once('data', () => setTimeout(() => socket.end(), 20))
    },
    { time: LIMIT },
  )
  return { status: answer.status, hung: answer.ended === 'open' }
}

function editWire(bytes: Buffer, { at, remove, bytes: text }: WireEdit): Buffer {
  const place = at % (bytes.length + 1)
  return Buffer.concat([bytes.subarray(0, place), Buffer.from(text, 'latin1'), bytes.subarray(place + remove)])
}
