import type { PromptSurface, ResourceSurface } from '@gatehouse/contracts'
import { ProtocolError, type Server } from '@modelcontextprotocol/server'

/** What the fixture server offers beside its tools; a test changes it in place. */
export interface Readables {
  readonly prompts: PromptSurface[]
  readonly resources: ResourceSurface[]
  /** Names of prompts and URIs of resources that were asked for. */
  readonly asked: string[]
  /** Lists that were asked for. */
  readonly listed: string[]
  /** Every page of resources names a next one. */
  endless: boolean
  /** What `resources/read` answers instead of the resource. */
  answer: unknown
}

export const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

export function readables(): Readables {
  return {
    prompts: [
      { name: 'greet', title: 'Greeting', description: 'Greets.', arguments: [{ name: 'who', required: true }] },
      { name: 'picture', description: 'Shows a picture and a file.' },
    ],
    resources: [
      { name: 'readme', uri: 'fixture://docs/readme', title: 'Read me', mimeType: 'text/plain' },
      { name: 'logo', uri: 'fixture://docs/logo', mimeType: 'image/png' },
      { name: 'row', uriTemplate: 'fixture://rows/{id}', description: 'One row.', mimeType: 'application/json' },
    ],
    asked: [],
    listed: [],
    endless: false,
    answer: undefined,
  }
}

export function serveReadables(server: Server, own: Readables): void {
  server.setRequestHandler('prompts/list', async () => {
    own.listed.push('prompts')
    return { prompts: own.prompts as never }
  })
  server.setRequestHandler('resources/list', async () => {
    own.listed.push('resources')
    if (own.endless) return { resources: [], nextCursor: `page-${own.listed.length}` }
    return { resources: own.resources.filter(({ uri }) => uri !== undefined) as never }
  })
  server.setRequestHandler('resources/templates/list', async () => {
    own.listed.push('templates')
    return { resourceTemplates: own.resources.filter(({ uri }) => uri === undefined) as never }
  })
  server.setRequestHandler('prompts/get', async (request) => {
    const { name, arguments: args = {} } = request.params
    own.asked.push(name)
    const file = { uri: 'fixture://docs/readme', mimeType: 'text/plain', text: 'Read me first.' }
    if (name === 'picture') {
      return {
        messages: [
          { role: 'user', content: { type: 'image', data: PIXEL, mimeType: 'image/png' } },
          { role: 'assistant', content: { type: 'resource', resource: file } },
        ],
      }
    }
    return {
      description: 'A greeting',
      messages: [{ role: 'user', content: { type: 'text', text: `Hello ${args['who']}` } }],
    }
  })
  server.setRequestHandler('resources/read', async (request) => {
    const { uri } = request.params
    own.asked.push(uri)
    if (own.answer !== undefined) return own.answer as never
    if (uri === 'fixture://docs/logo') return { contents: [{ uri, mimeType: 'image/png', blob: PIXEL }] }
    if (uri === 'fixture://rows/0') throw new ProtocolError(-32002, 'no such row <b>0</b>')
    return { contents: [{ uri, mimeType: 'text/plain', text: `text of ${uri}` }] }
  })
}
