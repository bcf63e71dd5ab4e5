import type { ServerRecord, ToolSurface } from '@gatehouse/contracts'
import type { CallToolResult, Tool } from '@modelcontextprotocol/client'
import { ConnectionError } from './errors.ts'
import { fitsOutput } from './output-check.ts'

const definitions = new WeakMap<ToolSurface, Tool>()

/**
 * The reviewed definition, by which the client mirrors header parameters. Without its output schema: the client would make code from that
 * and run its regular expressions, which a server could use to hold up the editor.
 */
export function definitionOf(tool: ToolSurface): Tool {
  const existing = definitions.get(tool)
  if (existing) return existing
  const definition: Tool = { name: tool.name, inputSchema: { ...tool.inputSchema, type: 'object' } }
  definitions.set(tool, definition)
  return definition
}

/**
 * A tool with an output schema answers with structured content that fits it (MCP 2026-07-28, server/tools).
 * @throws ConnectionError `result_invalid`
 */
export function keepsItsPromise(
  { title, owner }: ServerRecord,
  tool: ToolSurface,
  { structuredContent, isError }: CallToolResult,
): void {
  if (!tool.outputSchema || isError) return
  const fits = structuredContent !== undefined && fitsOutput(tool.outputSchema, structuredContent)
  if (fits) return
  const what = fits === undefined ? 'could not be checked within bounds' : 'is not what its schema promises'
  throw new ConnectionError(
    'result_invalid',
    `The result of ${tool.name} ${what}, so it is not used. Tell the owner of ${title}, ${owner.team} (${owner.contact}).`,
  )
}
