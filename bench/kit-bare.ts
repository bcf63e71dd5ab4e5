// The SDK's own McpServer with nothing on: no token, no decision, no audit. The baseline.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type NodeIncomingMessageLike, toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { serveParent, toolCount } from './kit-child.ts'
import { description, lookup, schemas, toolNames } from './kit-tools.ts'

const annotations = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }
// Schemas are made once, at start: what is left for each request is what the SDK does.
const tools = toolNames(toolCount()).map((name) => {
  const { input: inputSchema, output: outputSchema } = schemas()
  return { name, config: { title: 'Look up', description, inputSchema, outputSchema, annotations } }
})
const handler = createMcpHandler(() => {
  const server = new McpServer({ name: 'bare', version: '1.0.0' })
  for (const { name, config } of tools) {
    server.registerTool(name, config, async (args) => {
      const structuredContent = lookup(args)
      return { structuredContent, content: [{ type: 'text', text: structuredContent.value }] }
    })
  }
  return server
})
const listener = toNodeHandler(handler)
const server = createServer((request, response) => void listener(request as NodeIncomingMessageLike, response))
server.listen(0, '127.0.0.1')
await once(server, 'listening')
serveParent({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp` })
