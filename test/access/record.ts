import { ServerRecord } from '@gatehouse/contracts'
import { describeServer } from '@gatehouse/kit'
import type { WorldServer } from './servers/definitions.ts'

/** The signed record's content of a server of the world. @param url its MCP endpoint */
export function recordOf(
  { definition, governance, recordedGroups = {}, unrecorded = [] }: WorldServer,
  url: string,
): ServerRecord {
  const { tools, prompts, resources, surfaceDigest, policy } = describeServer(definition)
  return ServerRecord.parse({
    id: definition.id,
    name: `dev.gatehouse/${definition.id}`,
    title: definition.title,
    description: 'For the access suite',
    version: definition.version,
    url,
    owner: { team: definition.id, contact: `${definition.id}@company.example` },
    environment: 'dev',
    discoverable: true,
    status: 'listed',
    reviews: [],
    ...governance,
    surfaceDigest,
    policy,
    tools: tools
      .filter(({ name }) => !unrecorded.includes(name))
      .map((tool) => ({ ...tool, groups: recordedGroups[tool.name] ?? tool.groups })),
    prompts,
    resources,
  })
}
