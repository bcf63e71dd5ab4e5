import { digestOf, GatehouseError } from '@gatehouse/contracts'
import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { Prompt, Resource, ResourceTemplate } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import type { Connections, OfferedPrompt, OfferedResource } from '../connections/types.ts'
import type { DefinitionShape } from './definitions.ts'
import { editorContent } from './editor-content.ts'
import type { EditorSdk } from './editor-sdk.ts'

/** What one session of VS Code with one definition works with. */
export interface SessionContext {
  readonly definition: DefinitionShape
  readonly connections: Connections
  /** Runs a call with a signal that is aborted when VS Code cancels it or loses its channel. */
  call<T>(requestId: string | number, work: (signal: AbortSignal) => Promise<T>): Promise<T>
}

/** Something listed to VS Code beside the tools. */
export interface Served {
  /** Tells VS Code that the list has changed, if it has. */
  refresh(): Promise<void>
}

/** JSON-RPC codes (MCP 2025-11-25, prompts and resources, error handling). */
const INVALID_PARAMS = -32602
const NOT_FOUND = -32002
const INTERNAL = -32603
const UNSERVED = ['not_signed_in', 'server_not_allowed', 'resource_not_allowed', 'resource_not_offered']
const UNKNOWN = ['prompt_not_allowed', 'prompt_not_offered', 'arguments_invalid']

const Argument = z.object({
  name: z.string(),
  title: z.string().optional().catch(undefined),
  description: z.string().optional().catch(undefined),
  required: z.boolean().optional().catch(undefined),
})

/** The prompts of one server, which VS Code offers as slash commands. */
export function servePrompts(sdk: EditorSdk, mcp: Server, options: SessionContext): Served {
  const { connections, definition } = options
  const list = listOf(
    async () => (await connections.prompts(definition.server)).map(editorPrompt),
    () => mcp.sendPromptListChanged(),
  )
  mcp.setRequestHandler(sdk.ListPromptsRequestSchema, async () => ({ prompts: await list.tell() }))
  mcp.setRequestHandler(sdk.GetPromptRequestSchema, async (request, extra) => {
    const { name, arguments: args = {} } = request.params
    const { description, messages } = await answered(sdk, () =>
      options.call(extra.requestId, (signal) =>
        connections.getPrompt({ server: definition.server, name, arguments: args, signal }),
      ),
    )
    const blocks = editorContent(
      messages.map(({ content }) => content),
      { links: definition.resources },
    )
    return {
      ...(description !== undefined && { description }),
      messages: messages.flatMap(({ role }, index) => {
        const content = blocks[index]
        return content ? [{ role, content }] : []
      }),
    }
  })
  return list
}

/** The resources and resource templates of one server, which a person may attach to a chat. */
export function serveResources(sdk: EditorSdk, mcp: Server, options: SessionContext): Served {
  const { connections, definition } = options
  const list = listOf(
    async () => (await connections.resources(definition.server)).map(editorResource),
    () => mcp.sendResourceListChanged(),
  )
  mcp.setRequestHandler(sdk.ListResourcesRequestSchema, async () => ({
    resources: (await list.tell()).filter((item) => 'uri' in item),
  }))
  mcp.setRequestHandler(sdk.ListResourceTemplatesRequestSchema, async () => ({
    resourceTemplates: (await list.tell()).filter((item) => 'uriTemplate' in item),
  }))
  mcp.setRequestHandler(sdk.ReadResourceRequestSchema, async (request, extra) => {
    const { uri } = request.params
    const contents = await answered(sdk, () =>
      options.call(extra.requestId, (signal) => connections.readResource({ server: definition.server, uri, signal })),
    )
    return { contents: [...contents] }
  })
  return list
}

function editorPrompt({ prompt }: OfferedPrompt): Prompt {
  const { name, title, description, arguments: args = [] } = prompt
  return {
    name,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    arguments: args.flatMap((argument) => Argument.safeParse(argument).data ?? []),
  }
}

function editorResource({ resource }: OfferedResource): Resource | ResourceTemplate {
  const { name, uri, uriTemplate = '', title, description, mimeType } = resource
  const rest = {
    name,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(mimeType !== undefined && { mimeType }),
  }
  return uri === undefined ? { uriTemplate, ...rest } : { uri, ...rest }
}

interface List<T> extends Served {
  /** What is offered now, remembered as what VS Code has. */
  tell(): Promise<T[]>
}

/** A server that cannot be reached or is not the reviewed one offers nothing; its health says why. */
function listOf<T>(offered: () => Promise<T[]>, changed: () => Promise<void>): List<T> {
  let told: string | undefined
  const now = () => offered().catch((): T[] => [])
  return {
    async tell() {
      const items = await now()
      told = digestOf(items)
      return items
    },
    async refresh() {
      if (told === undefined || digestOf(await now()) === told) return
      told = undefined
      await changed()
    },
  }
}

/** A refusal as MCP carries it, in our words; never those of an unforeseen error. */
async function answered<T>(sdk: EditorSdk, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof GatehouseError))
      throw new sdk.McpError(INTERNAL, 'It failed for a reason that Gatehouse does not know.')
    const code = UNSERVED.includes(error.code) ? NOT_FOUND : UNKNOWN.includes(error.code) ? INVALID_PARAMS : INTERNAL
    throw new sdk.McpError(code, `${error.message} (${error.code})`)
  }
}
