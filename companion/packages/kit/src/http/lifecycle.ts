import { GatehouseError } from '@gatehouse/contracts'
import type { Logger } from './log.ts'

/** Says on stdout, in the one line that the parent process waits for, where the service can be reached. */
export function announce(url: string): void {
  process.stdout.write(`${JSON.stringify({ kind: 'listening', url })}\n`)
}

/** Resolves when the process is told to end: SIGTERM, SIGINT, or the death of the parent that holds the IPC channel. */
export async function untilStopped(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  // These stay: Ctrl-C reaches the whole process group, and the parent's SIGTERM after it must not cut the drain short.
  process.on('SIGTERM', () => resolve())
  process.on('SIGINT', () => resolve())
  process.once('disconnect', resolve)
  // Listened to, the channel would keep alive a process that failed to start or has stopped.
  process.channel?.unref()
  await promise
}

/** One clear line for what kept a service from starting, and exit status 1. */
export function failedToStart(log: Logger, error: unknown): void {
  process.exitCode = 1
  if (error instanceof GatehouseError) log.error(error.message, { code: error.code })
  else log.error('failed to start', { code: 'internal', error })
}
