import { setTimeout as sleep } from 'node:timers/promises'
import type { ToolContext } from '../authoring/context.ts'
import type { ToolResult } from '../authoring/tool.ts'
import { ToolError } from '../authoring/tool-error.ts'
import type { Logger } from '../http/log.ts'
import { failure, type Outcome } from './outcome.ts'
import type { ServedTool } from './tool-table.ts'

/** Why a call may end before its tool is done; the order is that of the answer when several apply. */
export interface Interruptions {
  readonly cancelled: AbortSignal
  readonly stopping: AbortSignal
  readonly timeLimit: AbortSignal
}

/** How long a tool may take to notice that it was interrupted, milliseconds. */
const GRACE = 2_000

/** Runs a tool to an outcome. Never throws: what a tool throws is told by its code, or not at all. */
export async function runTool(
  tool: ServedTool,
  args: Record<string, unknown>,
  ctx: ToolContext,
  interruptions: Interruptions,
  maxResult: number,
  log: Logger,
): Promise<Outcome> {
  try {
    const result = await orAbandon(tool.definition.run(args, ctx), ctx.signal)
    if (result === undefined) return interrupted(interruptions)
    return accept(tool, result, maxResult, log)
  } catch (error) {
    return failed(error, interruptions, tool.surface.name, log)
  }
}

/** Also for the hooks of a tool (`effectOf`, `touches`), whose failure refuses the call. */
export function failed(error: unknown, interruptions: Interruptions, tool: string, log: Logger): Outcome {
  if (error instanceof ToolError) return failure(error.code, error.message, { next: error.next })
  if (interruptions.cancelled.aborted || interruptions.stopping.aborted || interruptions.timeLimit.aborted)
    return interrupted(interruptions)
  log.error('a tool failed', { code: 'internal_error', tool, error })
  return failure('internal_error', 'the tool failed; the log of the server says why')
}

function interrupted({ cancelled, stopping }: Interruptions): Outcome {
  if (cancelled.aborted) return failure('cancelled', 'the call was cancelled')
  if (stopping.aborted) return failure('shutting_down', 'the server is stopping', { next: 'Try again in a moment.' })
  return failure('time_limit', 'the call took longer than the server allows', { next: 'Ask for less at once.' })
}

/** `undefined` when the work did not end in time after its signal had aborted. */
async function orAbandon<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const done = new AbortController()
  const abandoned = async (): Promise<undefined> => {
    await aborted(signal, done.signal)
    await sleep(GRACE, undefined, { signal: done.signal, ref: false }).catch(() => undefined)
    return undefined
  }
  work.catch(() => undefined)
  try {
    return await Promise.race([work, abandoned()])
  } finally {
    done.abort()
  }
}

function aborted(signal: AbortSignal, done: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true, signal: done })
  })
}

function accept(tool: ServedTool, result: ToolResult, maxResult: number, log: Logger): Outcome {
  const output = tool.output.safeParse(result.structured)
  if (!output.success || typeof result.text !== 'string') {
    const issues = output.error?.issues.map((issue) => `${issue.path.join('.')}: ${issue.code}`)
    log.error('a tool returned what its output schema does not allow', {
      code: 'output_invalid',
      tool: tool.surface.name,
      issues,
    })
    return failure('internal_error', 'the tool failed; the log of the server says why')
  }
  const bytes = Buffer.byteLength(JSON.stringify(output.data)) + Buffer.byteLength(result.text)
  if (bytes > maxResult) {
    return failure('result_too_large', `the result has ${bytes} bytes, and ${maxResult} are allowed`, {
      next: 'Ask for less at once. What the call did is done.',
    })
  }
  return { isError: false, structured: output.data, text: result.text, code: 'ok' }
}
