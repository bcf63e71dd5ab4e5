// Child process of bench/fanout.ts: MCP servers of the 2026-07-28 era over HTTP, some of which misbehave when told to.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, Server } from '@modelcontextprotocol/server'
import type { FanoutServer, Fault } from './fanout-peer.ts'

const TOOLS = 10
/** Milliseconds before the slow server answers each request. */
const SLOW = 6000

const [first = 0, count = 0] = process.argv.slice(2).map(Number)
const faults = new Map<string, Fault>()
const servers = await Promise.all(Array.from({ length: count }, (_, index) => start(`fan-${first + index}`)))
process.on('message', (next: Record<string, Fault>) => {
  faults.clear()
  for (const [id, fault] of Object.entries(next)) faults.set(id, fault)
  process.send?.('faults')
})
process.once('disconnect', () => process.exit())
process.send?.(servers)

async function start(id: string): Promise<FanoutServer> {
  const tools = Array.from({ length: TOOLS }, (_, index) => toolOf(id, index))
  const handler = toNodeHandler(
    createMcpHandler(
      () => {
        const server = new Server({ name: id, version: '1' }, { capabilities: { tools: {} } })
        server.setRequestHandler('tools/list', () => ({ tools }) as never)
        server.setRequestHandler('tools/call', () => ({
          content: [{ type: 'text' as const, text: id }],
          structuredContent: { rows: [] },
        }))
        return server
      },
      { legacy: 'reject' },
    ),
  )
  const mcp = (request: IncomingMessage, response: ServerResponse) =>
    void handler(request as Parameters<typeof handler>[0], response)
  const http = createServer((request, response) => {
    const fault = faults.get(id)
    if (fault === 'hangs') return
    if (fault === 'resets') return void request.socket.resetAndDestroy()
    if (fault === 'slow') return void sleep(SLOW).then(() => mcp(request, response))
    mcp(request, response)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return { id, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`, tools }
}

function toolOf(id: string, index: number): FanoutServer['tools'][number] {
  const field = (words: string) => ({ type: 'string', description: words, maxLength: 200 })
  return {
    name: `tool_${index}`,
    title: `Tool ${index} of ${id}`,
    description:
      `Finds what ${id} knows about a table: its owner, its columns, when it was last written, and who reads it. `.repeat(
        3,
      ),
    inputSchema: {
      type: 'object',
      properties: {
        table: field('Full name of the table'),
        column: field('Name of the column'),
        note: field('Why it is asked for'),
      },
      required: ['table'],
      additionalProperties: false,
    },
    outputSchema: {
      type: 'object',
      properties: {
        rows: {
          type: 'array',
          items: { type: 'object', properties: { name: { type: 'string' }, count: { type: 'integer' } } },
        },
      },
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
  }
}
