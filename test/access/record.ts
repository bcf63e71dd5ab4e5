import { ServerRecord } from '@gatehouse/contracts'
import { describeServer } from '@gatehouse/kit'
import type { WorldServer } from './servers/definitions.ts'

/** The signed record's content of a server of the world. @param url its MCP endpoint */
export function recordOf(
  { definition, governance, recordedGroups = {}, unrecorded = [] }: WorldServer,
  url: string,
): ServerRecord {
  const { tools, prompts, resources, surfaceDigest, policy } = describeServer(definition)
  const reviewed = <T extends { readonly name: string; readonly groups: readonly string[] }>(offers: readonly T[]) =>
    offers
      .filter(({ name }) => !unrecorded.includes(name))
      .map((offer) => ({ ...offer, groups: recordedGroups[offer.name] ?? offer.groups }))
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
    tools: reviewed(tools),
    prompts: reviewed(prompts),
    resources: reviewed(resources),
  })
}
