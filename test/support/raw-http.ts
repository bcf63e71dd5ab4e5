import { connect, type Socket } from 'node:net'

export interface RawHttp {
  /** Status of the first answer, 0 without one. */
  readonly status: number
  readonly text: string
  /** `code` of a JSON body, also within a JSON-RPC error. */
  readonly code: string | undefined
  /** How the connection ended: by the server, by a reset, or by nobody within the time. */
  readonly ended: 'closed' | 'reset' | 'open'
}

/** Opens a connection and lets `write` send on it whatever it likes: no HTTP client that would put things right. */
export function rawHttp(
  url: string,
  write: (socket: Socket) => void | Promise<void>,
  { time = 10_000 }: { readonly time?: number } = {},
): Promise<RawHttp> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    const chunks: Buffer[] = []
    let ended: RawHttp['ended'] = 'open'
    const timer = setTimeout(() => socket.destroy(), time)
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('end', () => {
      ended = 'closed'
      socket.end()
    })
    socket.on('error', () => {
      ended = 'reset'
    })
    socket.on('close', () => {
      clearTimeout(timer)
      const text = Buffer.concat(chunks).toString('latin1')
      resolve({
        status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0),
        text,
        code: /"code":"([a-z_]+)"/.exec(text)?.[1],
        ended,
      })
    })
    socket.once('connect', () => void write(socket))
  })
}
