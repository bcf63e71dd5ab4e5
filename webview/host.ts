import { z } from 'zod'

// The page's policy forbids eval, which zod would try for speed.
z.config({ jitless: true })

declare function acquireVsCodeApi(): { postMessage(message: unknown): void }

/**
 * The webview's only way out. Messages that do not have the agreed shape are dropped.
 * @returns sends one message to the extension host
 */
export function connectHost<In, Out>(schema: z.ZodType<In>, receive: (message: In) => void): (message: Out) => void {
  const host = acquireVsCodeApi()
  window.addEventListener('message', (event: MessageEvent<unknown>) => {
    const parsed = schema.safeParse(event.data)
    if (parsed.success) receive(parsed.data)
    else console.error('message of an unknown shape dropped', parsed.error.issues)
  })
  return (message) => host.postMessage(message)
}
