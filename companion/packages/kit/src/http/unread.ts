import type { Socket } from 'node:net'
import type { HttpLimits } from './limits.ts'

/**
 * Closes connections whose client does not read: an answer that nobody takes would hold its memory, and what makes it, for ever. Returns
 * what ends the watch.
 */
export function watchReaders(
  sockets: ReadonlySet<Socket>,
  { unread, unreadTime }: Pick<HttpLimits, 'unread' | 'unreadTime'>,
): () => void {
  const stalled = new WeakMap<Socket, { readonly taken: number; readonly since: number }>()

  function look(socket: Socket, now: number): void {
    const waiting = socket.writableLength
    // What the operating system has taken over, as far as whole writes go.
    const taken = socket.bytesWritten - waiting
    const before = stalled.get(socket)
    if (waiting === 0) stalled.delete(socket)
    else if (!before || before.taken !== taken) stalled.set(socket, { taken, since: now })
    if (waiting > unread || (waiting > 0 && before?.taken === taken && now - before.since >= unreadTime))
      socket.destroy()
  }

  const timer = setInterval(
    () => {
      const now = Date.now()
      for (const socket of sockets) look(socket, now)
    },
    Math.min(1_000, Math.max(20, unreadTime / 4)),
  )
  timer.unref()
  return () => clearInterval(timer)
}
