import { APPROVAL_META, digestOf, readTool, type ServerRecord } from '@gatehouse/contracts'
import { ConnectionError } from './errors.ts'
import type { Listing } from './listing.ts'
import { type CheckedReadables, checkReadables, placeOf } from './readable-surface.ts'
import { toolFault } from './tool-fault.ts'
import type { OfferedTool } from './types.ts'

const MAX_TOOLS = 1000

export interface CheckedSurface extends CheckedReadables {
  readonly tools: ReadonlyMap<string, OfferedTool>
  /** Why a reviewed tool that the server lists is not offered all the same: `tool_refused`. */
  readonly refused: ReadonlyMap<string, ConnectionError>
  readonly instructions: string | undefined
  /** The server says that it verifies approvals: no other is asked for a change. */
  readonly verifiesApprovals: boolean
}

/** What a server says of itself when a client connects. */
export interface Introduction {
  getInstructions(): string | undefined
  getServerCapabilities(): { readonly extensions?: Readonly<Record<string, unknown>> | undefined } | undefined
}

/**
 * Checks what a server lists against the signed record. A tool with another digest than the reviewed one, one that the record does not
 * name or one that is listed twice means that this is not the server that was reviewed: then none of its tools is offered. A recorded tool
 * that is not listed is only absent.
 * @throws ConnectionError `surface_mismatch`, `surface_too_large`
 */
export function checkSurface(record: ServerRecord, listing: Listing, server: Introduction): CheckedSurface {
  if (listing.tools.length > MAX_TOOLS) {
    throw new ConnectionError(
      'surface_too_large',
      `${record.title} lists more than ${MAX_TOOLS} tools, so it is not used. ${ownerOf(record)}`,
    )
  }
  const recorded = new Map(record.tools.map((tool) => [tool.name, tool]))
  const tools = new Map<string, OfferedTool>()
  const refused = new Map<string, ConnectionError>()
  for (const item of listing.tools) {
    const { tool, digest } = read(record, item)
    const match = recorded.get(tool.name)
    if (!match) throw mismatch(record, `lists a tool that was not reviewed, ${tool.name}`)
    if (tools.has(tool.name) || refused.has(tool.name)) throw mismatch(record, `lists ${tool.name} more than once`)
    if (digest !== match.digest)
      throw mismatch(record, `has a tool, ${tool.name}, that differs from the one that was reviewed`)
    const fault = toolFault(tool)
    if (fault === undefined) tools.set(tool.name, { server: record, tool, effect: match.effect })
    else refused.set(tool.name, toolRefused(record, tool.name, fault))
  }
  return {
    tools,
    refused,
    ...checkReadables(record, listing),
    instructions: reviewedInstructions(record, server.getInstructions()),
    verifiesApprovals: server.getServerCapabilities()?.extensions?.[APPROVAL_META] !== undefined,
  }
}

const keys = new WeakMap<ServerRecord, string>()

/** Two records with one key were reviewed for the same tools, prompts and resources. */
export function recordKey(record: ServerRecord): string {
  const known = keys.get(record)
  if (known !== undefined) return known
  const key = digestOf([
    record.url,
    record.surfaceDigest,
    record.tools.map(({ name, digest, effect }) => [name, digest, effect]),
    record.prompts.map(({ name, digest }) => [name, digest]),
    record.resources.map((resource) => [placeOf(resource), resource.digest]),
  ])
  keys.set(record, key)
  return key
}

/** What cannot be read, or has no digest, cannot have been reviewed: its very name may not be shown. */
function read(record: ServerRecord, item: unknown): ReturnType<typeof readTool> {
  try {
    return readTool(item as Readonly<Record<string, unknown>>)
  } catch {
    throw mismatch(record, 'lists a tool that cannot be read')
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

function mismatch(record: ServerRecord, what: string): ConnectionError {
  return new ConnectionError(
    'surface_mismatch',
    `${record.title} ${what}. So it is not the server that was reviewed, and it is not used. ${ownerOf(record)}`,
  )
}

function toolRefused(record: ServerRecord, tool: string, fault: string): ConnectionError {
  return new ConnectionError('tool_refused', `${tool} of ${record.title} is not offered: ${fault}. ${ownerOf(record)}`)
}

function ownerOf({ owner }: ServerRecord): string {
  return `Its owner is ${owner.team} (${owner.contact}).`
}
