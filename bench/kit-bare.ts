// The SDK's own McpServer with nothing on: no token, no decision, no audit. The baseline.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { serveParent, toolCount } from './kit-child.ts'
import { description, input, lookup, output, toolNames } from './kit-tools.ts'

const names = toolNames(toolCount())
const config = {
  title: 'Look up',
  description,
  inputSchema: input,
  outputSchema: output,
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
}
const handler = createMcpHandler(() => {
  const server = new McpServer({ name: 'bare', version: '1.0.0' })
  for (const name of names) {
    server.registerTool(name, config, async (args) => {
      const structuredContent = lookup(args)
      return { structuredContent, content: [{ type: 'text', text: structuredContent.value }] }
    })
  }
  return server
})
const listener = toNodeHandler(handler)
const server = createServer((request, response) => void listener(request, response))
server.listen(0, '127.0.0.1')
await once(server, 'listening')
serveParent({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp` })
