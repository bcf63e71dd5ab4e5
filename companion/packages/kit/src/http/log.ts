export interface Logger {
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

/** Plain data. A field whose name says that it is a secret is written as `[redacted]`. */
export type LogFields = Readonly<Record<string, unknown>>

const SECRET = /token|secret|password|authorization|cookie|dpop|assertion|private/i
const LONGEST = 2000

/** One JSON object a line on stderr: stdout belongs to the process contract (`{"kind":"listening"}`). */
export function createLogger(service: string, write: (line: string) => void = toStderr): Logger {
  const at = (level: string) => (message: string, fields?: LogFields) => {
    const entry = { level, time: new Date().toISOString(), service, message, ...fields }
    write(`${JSON.stringify(entry, redact)}\n`)
  }
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

function redact(key: string, value: unknown): unknown {
  if (SECRET.test(key) && value !== undefined) return '[redacted]'
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'string' && value.length > LONGEST) return `${value.slice(0, LONGEST)}…`
  if (value instanceof Error) {
    const code = 'code' in value ? value.code : undefined
    return { name: value.name, code, message: value.message, cause: value.cause }
  }
  return value
}

function toStderr(line: string): void {
  process.stderr.write(line)
}
