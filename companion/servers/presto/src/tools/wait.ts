import type { ToolContext } from '@gatehouse/kit'
import type { Query } from '../results/query.ts'

const TELL_EVERY_MS = 500

/** Waits for a query and reports on it. When the caller gives up, the query is stopped in the engine. */
export async function waitFor(query: Query, seconds: number, ctx: ToolContext): Promise<void> {
  const started = Date.now()
  const stop = (): void => query.cancel()
  ctx.signal.addEventListener('abort', stop, { once: true })
  if (ctx.signal.aborted) stop()
  const timer = setInterval(() => {
    const passed = (Date.now() - started) / 1000
    const percent = query.done === undefined ? '' : `, ${Math.round(query.done * 100)} %`
    ctx.progress({
      progress: passed,
      message: `Query ${query.id}: ${query.rows.length} rows after ${Math.round(passed)} s${percent}`,
    })
  }, TELL_EVERY_MS)
  let timeout: NodeJS.Timeout | undefined
  const enough = new Promise<void>((resolve) => {
    timeout = setTimeout(resolve, seconds * 1000)
  })
  try {
    await Promise.race([query.ended, enough])
    if (ctx.signal.aborted) await query.ended
  } finally {
    clearInterval(timer)
    clearTimeout(timeout)
    ctx.signal.removeEventListener('abort', stop)
  }
}
