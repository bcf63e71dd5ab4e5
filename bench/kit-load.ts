import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { ARGUMENTS, EXPECTED, TOOL } from './kit-tools.ts'

export interface Target {
  readonly url: string
  /** Value of `Authorization` and, with it, the `DPoP` proof of each call; made before the clock starts. */
  readonly authorization?: string
  readonly proofs?: (count: number) => readonly string[]
}

export interface Slice {
  readonly callsPerSecond: number
  /** Milliseconds, one for each call. */
  readonly latencies: readonly number[]
  /** Answers that were not the right result. */
  readonly failures: number
}

const RESULT = JSON.stringify(EXPECTED)
const BODY = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: {
    name: TOOL,
    arguments: ARGUMENTS,
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
})

/**
 * `calls` calls with `inFlight` at a time, each over a kept connection of its own. The requests are written and the answers read by hand:
 * a client library would take more processor time than the servers.
 */
export async function load(target: Target, calls: number, inFlight: number): Promise<Slice> {
  const requests = requestsFor(target, calls)
  const { hostname, port } = new URL(target.url)
  const sockets = await Promise.all(Array.from({ length: inFlight }, () => open(hostname, Number(port))))
  const latencies: number[] = []
  let failures = 0
  const startedAt = performance.now()
  await Promise.all(
    sockets.map(async (socket) => {
      for (let request = requests.pop(); request !== undefined; request = requests.pop()) {
        const sentAt = performance.now()
        const answer = await exchange(socket, request)
        latencies.push(performance.now() - sentAt)
        if (!right(answer) && failures++ === 0) process.stderr.write(`a call failed: ${answer.slice(0, 1_000)}\n`)
      }
      socket.destroy()
    }),
  )
  return { callsPerSecond: (calls * 1000) / (performance.now() - startedAt), latencies, failures }
}

function requestsFor({ url, authorization, proofs }: Target, calls: number): Buffer[] {
  const { host, pathname } = new URL(url)
  const head = [
    `POST ${pathname} HTTP/1.1`,
    `Host: ${host}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    'MCP-Protocol-Version: 2026-07-28',
    'Mcp-Method: tools/call',
    `Mcp-Name: ${TOOL}`,
    `Content-Length: ${Buffer.byteLength(BODY)}`,
    ...(authorization ? [`Authorization: ${authorization}`] : []),
  ].join('\r\n')
  const minted = proofs?.(calls)
  return Array.from({ length: calls }, (_, index) => {
    const proof = minted ? `\r\nDPoP: ${minted[index] ?? ''}` : ''
    return Buffer.from(`${head}${proof}\r\n\r\n${BODY}`)
  })
}

async function open(host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true })
  await once(socket, 'connect')
  socket.setEncoding('latin1')
  return socket
}

/** Sends one request and resolves with the whole answer, head and body. */
function exchange(socket: Socket, request: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const onData = (chunk: string): void => {
      answer += chunk
      if (!complete(answer)) return
      stop()
      resolve(answer)
    }
    const onEnd = (): void => {
      stop()
      reject(new Error(`the server hung up after: ${answer.slice(0, 500)}`))
    }
    const stop = (): void => {
      socket.off('data', onData)
      socket.off('close', onEnd)
    }
    socket.on('data', onData)
    socket.on('close', onEnd)
    socket.write(request)
  })
}

function complete(answer: string): boolean {
  const head = answer.indexOf('\r\n\r\n')
  if (head < 0) return false
  const length = /content-length: (\d+)/i.exec(answer.slice(0, head + 2))?.[1]
  if (length !== undefined) return answer.length >= head + 4 + Number(length)
  return answer.endsWith('0\r\n\r\n')
}

function right(answer: string): boolean {
  return (
    answer.startsWith('HTTP/1.1 200 ') &&
    answer.includes(`"structuredContent":${RESULT}`) &&
    !answer.includes('"isError":true')
  )
}
