import type { ServerRecord } from '@gatehouse/contracts'
import type { Client } from '@modelcontextprotocol/client'
import type { ListedReadables } from './readable-surface.ts'

export interface Listing extends ListedReadables {
  readonly tools: readonly unknown[]
}

/** Everything a server lists to this caller. Prompts and resources are asked for only where the record names some and the server has any. */
export async function listAll(client: Client, record: ServerRecord, timeout: number): Promise<Listing> {
  const how = { timeout, cacheMode: 'refresh' } as const
  const has = client.getServerCapabilities()
  const wantsPrompts = has?.prompts !== undefined && record.prompts.length > 0
  const wantsResources = has?.resources !== undefined && record.resources.some(({ uri }) => uri !== undefined)
  const wantsTemplates = has?.resources !== undefined && record.resources.some(({ uri }) => uri === undefined)
  const [tools, prompts, resources, templates] = await Promise.all([
    listTools(client, timeout),
    wantsPrompts ? client.listPrompts(undefined, how).then((result) => result.prompts) : [],
    wantsResources ? client.listResources(undefined, how).then((result) => result.resources) : [],
    wantsTemplates ? client.listResourceTemplates(undefined, how).then((result) => result.resourceTemplates) : [],
  ])
  return { tools: tools.tools, prompts, resources: [...resources, ...templates] }
}

export function listTools(client: Client, timeout: number) {
  return client.listTools(undefined, { timeout, cacheMode: 'refresh' })
}
