import { digestOf, type RecordedTool, type ServerRecord, ToolSurface, toolDigest } from '@gatehouse/contracts'
import { ConnectionError } from './errors.ts'
import type { Listing } from './listing.ts'
import { type CheckedReadables, checkReadables, placeOf } from './readable-surface.ts'
import type { OfferedTool } from './types.ts'

const MAX_TOOLS = 1000

export interface CheckedSurface extends CheckedReadables {
  readonly tools: ReadonlyMap<string, OfferedTool>
  readonly instructions: string | undefined
}

/**
 * Checks what a server lists against the signed record. A tool with another digest than the reviewed one, or one that the record
 * does not name, means that this is not the server that was reviewed: then none of its tools is offered. A recorded tool that is
 * not listed is only absent.
 * @throws ConnectionError `surface_mismatch`, `surface_too_large`
 */
export function checkSurface(record: ServerRecord, listing: Listing, instructions: string | undefined): CheckedSurface {
  if (listing.tools.length > MAX_TOOLS) {
    throw new ConnectionError('surface_too_large', `${record.title} lists more than ${MAX_TOOLS} tools.`)
  }
  const recorded = new Map(record.tools.map((tool) => [tool.name, tool]))
  const tools = new Map<string, OfferedTool>()
  for (const item of listing.tools) {
    const tool = parsed(item)
    const match = tool && recorded.get(tool.name)
    if (!tool || !match || tools.has(tool.name) || !isReviewed(tool, match)) throw mismatch(record)
    tools.set(tool.name, { server: record, tool, effect: match.effect })
  }
  return { tools, ...checkReadables(record, listing), instructions: reviewedInstructions(record, instructions) }
}

/** Two records with one key were reviewed for the same tools, prompts and resources. */
export function recordKey(record: ServerRecord): string {
  return digestOf([
    record.url,
    record.surfaceDigest,
    record.tools.map(({ name, digest, effect }) => [name, digest, effect]),
    record.prompts.map(({ name, digest }) => [name, digest]),
    record.resources.map((resource) => [placeOf(resource), resource.digest]),
  ])
}

function parsed(item: unknown): ToolSurface | undefined {
  const result = ToolSurface.safeParse(item)
  return result.success ? result.data : undefined
}

function isReviewed(tool: ToolSurface, recorded: RecordedTool): boolean {
  try {
    return toolDigest(tool) === recorded.digest
  } catch {
    return false
  }
}

function reviewedInstructions(record: ServerRecord, instructions: string | undefined): string | undefined {
  if (instructions === undefined || record.instructionsDigest === undefined) return undefined
  try {
    return digestOf(instructions) === record.instructionsDigest ? instructions : undefined
  } catch {
    return undefined
  }
}

function mismatch(record: ServerRecord): ConnectionError {
  return new ConnectionError(
    'surface_mismatch',
    `The tools of ${record.title} differ from those that were reviewed, so it is not used. Its owner is ${record.owner.team} (${record.owner.contact}).`,
  )
}
