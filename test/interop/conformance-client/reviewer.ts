import { digestOf, type RecordedTool, type ServerRecord, ToolSurface, toolDigest } from '@gatehouse/contracts'
import { z } from 'zod'
import { sampleRecord } from '../../support/sample-record.ts'

/** Sees what a server lists to a client, and records it as reviewed. */
export interface Reviewer {
  /** `fetch` under the reviewer's eyes. */
  watched(send: typeof fetch): typeof fetch
  /** A record that names what has been listed so far. */
  record(): ServerRecord
}

const Request = z.object({ method: z.string() })
const Listing = z.object({ result: z.object({ tools: z.array(z.unknown()) }) })

export function reviewer(id: string, url: string): Reviewer {
  const tools = new Map<string, RecordedTool>()
  const note = (message: unknown): void => {
    const listing = Listing.safeParse(message)
    for (const item of listing.data?.result.tools ?? []) {
      const tool = ToolSurface.safeParse(item)
      if (!tool.success) continue
      const { name } = tool.data
      tools.set(name, { name, digest: toolDigest(tool.data), effect: 'read', groups: [], minutesSaved: 0 })
    }
  }
  return {
    watched: (send) => async (input, init) => {
      const response = await send(input, init)
      const request = typeof init?.body === 'string' ? Request.safeParse(JSON.parse(init.body)) : undefined
      if (request?.data?.method !== 'tools/list' || !response.ok) return response
      const text = await response.text()
      for (const message of messagesOf(text, response.headers.get('content-type') ?? '')) note(message)
      return new Response(text, { status: response.status, headers: response.headers })
    },
    record: () => sampleRecord(id, { url, surfaceDigest: digestOf([...tools.values()]), tools: [...tools.values()] }),
  }
}

function messagesOf(text: string, type: string): unknown[] {
  if (!type.startsWith('text/event-stream')) return [JSON.parse(text)]
  const data = text.split(/\r?\n/).flatMap((line) => (line.startsWith('data:') ? [line.slice(5).trim()] : []))
  return data.filter((item) => item !== '').map((item) => JSON.parse(item) as unknown)
}
