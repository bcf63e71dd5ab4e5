type LogLevel = 'info' | 'warn' | 'error'

/** One JSON object per line. `message` never holds a token, a code or a password. */
export type Logger = (level: LogLevel, code: string, message: string) => void

export function logTo(stream: NodeJS.WritableStream): Logger {
  return (level, code, message) => {
    stream.write(`${JSON.stringify({ level, code, message, at: new Date().toISOString() })}\n`)
  }
}
