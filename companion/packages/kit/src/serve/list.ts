import type { PromptSurface, ResourceSurface, ToolSurface } from '@gatehouse/contracts'
import { buildAuditEvent } from '../audit/event.ts'
import type { Arrival } from './arrival.ts'
import type { Serving } from './call.ts'

/** Entries by the name of the field that carries them. */
export interface Lists {
  readonly tools: ToolSurface
  readonly prompts: PromptSurface
  readonly resources: ResourceSurface
  readonly resourceTemplates: ResourceSurface
}

export type ListName = keyof Lists

const METHOD: Readonly<Record<ListName, string>> = {
  tools: 'tools/list',
  prompts: 'prompts/list',
  resources: 'resources/list',
  resourceTemplates: 'resources/templates/list',
}

const KIND = { tools: 'tool', prompts: 'prompt', resources: 'resource', resourceTemplates: 'resource' } as const

/** What this caller may use, by the same decision as the use itself: what may not be called or read is not listed, but for want of a scope. */
export async function serveList<L extends ListName>(
  serving: Serving,
  list: L,
  arrival: Arrival,
  protocolVersion: string,
): Promise<Lists[L][]> {
  const { policy, gate, telemetry, journal } = serving
  const operation = telemetry.operation({ method: METHOD[list], protocolVersion })
  try {
    const { record } = gate.current()
    const { caller } = arrival
    const kind = KIND[list]
    const visible = entriesOf(serving, list).filter(({ name }) =>
      policy.lists({ caller, resource: { kind, name }, record }),
    )
    const decision = policy.decide({ caller, action: 'list', resource: { kind: 'server' }, record })
    const { from, startedAt } = arrival
    const { traceId } = operation
    await journal.record(
      buildAuditEvent({
        server: serving.id,
        action: 'list',
        caller,
        from,
        decision,
        outcome: 'ok',
        startedAt,
        traceId,
      }),
    )
    operation.end({})
    return visible
  } catch (error) {
    operation.end({ errorType: 'internal_error' })
    throw error
  }
}

function entriesOf<L extends ListName>({ table }: Serving, list: L): Lists[L][] {
  const { tools, prompts, resources } = table.surface
  const lists = {
    tools,
    prompts,
    resources: resources.filter(({ uri }) => uri !== undefined),
    resourceTemplates: resources.filter(({ uriTemplate }) => uriTemplate !== undefined),
  }
  return lists[list] as Lists[L][]
}
