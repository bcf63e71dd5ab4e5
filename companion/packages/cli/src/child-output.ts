import { createWriteStream, type WriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { z } from 'zod'

/** What a service writes on its standard error: one JSON object per line. */
const LogLine = z.object({ level: z.string(), code: z.string().optional(), message: z.string() })
export type Fault = { readonly code: string; readonly message: string }

const Listening = z.object({ kind: z.literal('listening'), url: z.url() })

/** Resolves with the URL of the first `listening` line; never where the stream ends before. */
export async function listeningUrl(stdout: Readable): Promise<string> {
  return new Promise((resolve) => {
    createInterface({ input: stdout }).on('line', (line) => {
      const parsed = Listening.safeParse(parse(line))
      if (parsed.success) resolve(parsed.data.url)
    })
  })
}

/** Copies a service's log into `file` (0600) and remembers its last error. */
export function keepLog(stderr: Readable, file: string): { lastFault(): Fault | undefined } {
  const target: WriteStream = createWriteStream(file, { flags: 'a', mode: 0o600 })
  // A full disk must not end the stack: the log is then incomplete.
  target.on('error', () => undefined)
  let fault: Fault | undefined
  createInterface({ input: stderr })
    .on('line', (line) => {
      target.write(`${line}\n`)
      const parsed = LogLine.safeParse(parse(line))
      if (parsed.success && parsed.data.level === 'error') {
        fault = { code: parsed.data.code ?? 'internal', message: parsed.data.message }
      } else if (!parsed.success && /^\w*Error: /.test(line)) {
        fault = { code: 'internal', message: line.slice(0, 300) }
      }
    })
    .on('close', () => target.end())
  return { lastFault: () => fault }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
