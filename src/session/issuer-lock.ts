import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { withWindowLock } from './window-lock.ts'

/** Runs work on what is stored of one issuer while no other window does. @param patience milliseconds */
export type IssuerLock = <T>(issuer: string, work: () => Promise<T>, patience?: number) => Promise<T>

/** @param signal ends the waiting for other windows */
export function createIssuerLock(folder: string, signal: AbortSignal): IssuerLock {
  return (issuer, work, patience) => {
    const name = createHash('sha256').update(issuer).digest('hex').slice(0, 16)
    return withWindowLock(join(folder, `session-${name}.lock`), work, {
      signal,
      ...(patience === undefined ? {} : { patience }),
    })
  }
}
