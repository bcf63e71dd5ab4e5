import { z } from 'zod'
import { AttachedContent } from '../authoring/content.ts'
import type { ToolContext } from '../authoring/context.ts'
import type { ToolResult } from '../authoring/tool.ts'
import type { Logger } from '../http/log.ts'
import { failed, type Interruptions, orAbandon } from './interruptions.ts'
import { failure, type Outcome } from './outcome.ts'
import type { ServedTool } from './tool-table.ts'

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
    if (result === undefined) return failed(undefined, interruptions, tool.surface.name, log)
    return accept(tool, result, maxResult, log)
  } catch (error) {
    return failed(error, interruptions, tool.surface.name, log)
  }
}

const Attached = z.array(AttachedContent).max(100)

function accept(tool: ServedTool, result: ToolResult, maxResult: number, log: Logger): Outcome {
  const output = tool.output.safeParse(result.structured)
  const attached = result.content && Attached.safeParse(result.content)
  if (!output.success || typeof result.text !== 'string' || attached?.success === false) {
    const faults = [...(output.error?.issues ?? []), ...(attached?.error?.issues ?? [])]
    log.error('a tool returned what its output schema, or MCP, does not allow', {
      code: 'output_invalid',
      tool: tool.surface.name,
      issues: faults.map((issue) => `${issue.path.join('.')}: ${issue.code}`),
    })
    return failure('internal_error', 'the tool failed; the log of the server says why')
  }
  const content = attached?.data
  const bytes =
    Buffer.byteLength(JSON.stringify(output.data)) +
    Buffer.byteLength(result.text) +
    (content ? Buffer.byteLength(JSON.stringify(content)) : 0)
  if (bytes > maxResult) return tooLarge(bytes, maxResult)
  return { isError: false, structured: output.data, text: result.text, code: 'ok', ...(content && { content }) }
}

export function tooLarge(bytes: number, maxResult: number): Outcome {
  return failure('result_too_large', `the result has ${bytes} bytes, and ${maxResult} are allowed`, {
    next: 'Ask for less at once. What the call did is done.',
  })
}
