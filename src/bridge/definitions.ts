import { digestOf, type ListedServer, type ServerRecord } from '@gatehouse/contracts'

export type Side = 'reads' | 'writes'

export interface DefinitionShape {
  readonly id: string
  readonly server: string
  readonly side: Side
  readonly label: string
  readonly version: string
  readonly path: string
  /** Whether it has any; the reads carry them. */
  readonly prompts: boolean
  readonly resources: boolean
}

/** VS Code cuts the prefix of a tool's name, `mcp_<label>_`, at 18 characters. */
const LABEL = 13

/**
 * The definitions that a list calls for: one for a server's reads, one for its writes where it has any, so that the person's own choice
 * "Always Allow Tools from …" can cover the writes alone, whose gate is the panel.
 */
export function definitionsOf(servers: readonly ListedServer[]): readonly DefinitionShape[] {
  return servers.flatMap((listed) => {
    if (listed.access !== 'allowed') return []
    const writes = listed.record.tools.some((tool) => sideOf(tool.effect) === 'writes')
    return writes ? [shape(listed.record, 'reads'), shape(listed.record, 'writes')] : [shape(listed.record, 'reads')]
  })
}

/** An expensive query changes nothing: it is a read that may have to be approved. */
export function sideOf(effect: 'read' | 'expensive' | 'write'): Side {
  return effect === 'write' ? 'writes' : 'reads'
}

function shape(record: ServerRecord, side: Side): DefinitionShape {
  const title = record.title.slice(0, LABEL).trim()
  const tools = record.tools
    .filter((tool) => sideOf(tool.effect) === side)
    .map(({ name, digest, effect }) => [name, digest, effect])
  const prompts = side === 'reads' ? record.prompts : []
  const resources = side === 'reads' ? record.resources : []
  const readables = [...prompts, ...resources].map(({ name, digest }) => [name, digest])
  return {
    id: `${record.id}/${side}`,
    server: record.id,
    side,
    label: side === 'reads' ? title : `${title} writes`,
    version: digestOf([record.version, record.url, tools, readables]).slice('sha256:'.length, 'sha256:'.length + 16),
    path: `/mcp/${record.id}/${side}`,
    prompts: prompts.length > 0,
    resources: resources.length > 0,
  }
}
