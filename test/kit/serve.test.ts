import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifies } from '../requirements.ts'
import { until, startWorld, type World } from '../support/fixture-world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.stop())

async function modern(groups: string[] = ['ads']): Promise<ModernClient> {
  const token = await world.issuer.token(world.url, { groups })
  const client = new ModernClient({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  await client.connect(
    new ModernTransport(new URL(world.url), { requestInit: { headers: { Authorization: `Bearer ${token}` } } }),
  )
  return client
}

async function legacy(groups: string[] = ['ads']): Promise<LegacyClient> {
  const token = await world.issuer.token(world.url, { groups })
  const client = new LegacyClient({ name: 'test', version: '1' })
  const transport = new LegacyTransport(new URL(world.url), {
    requestInit: { headers: { Authorization: `Bearer ${token}` } },
  })
  await client.connect(transport)
  return client
}

interface AnyResult {
  readonly isError?: boolean | undefined
  readonly structuredContent?: unknown
  readonly content?: unknown
  readonly _meta?: Record<string, unknown> | undefined
}
interface AnyClient {
  names(): Promise<string[]>
  call(
    name: string,
    args: Record<string, unknown>,
    options?: { signal?: AbortSignal; onprogress?: (step: { progress: number }) => void },
  ): Promise<AnyResult>
  close(): Promise<void>
}
const eras = {
  '2026-07-28': async (groups?: string[]): Promise<AnyClient> => {
    const client = await modern(groups)
    expect(client.getNegotiatedProtocolVersion()).toBe('2026-07-28')
    return {
      names: async () => (await client.listTools()).tools.map((tool) => tool.name),
      call: (name, args, options) => client.callTool({ name, arguments: args }, options),
      close: () => client.close(),
    }
  },
  '2025-11-25': async (groups?: string[]): Promise<AnyClient> => {
    const client = await legacy(groups)
    return {
      names: async () => (await client.listTools()).tools.map((tool) => tool.name),
      call: (name, args, options) => client.callTool({ name, arguments: args }, undefined, options),
      close: () => client.close(),
    }
  },
}
const failureOf = (result: AnyResult) => result.structuredContent ?? result._meta?.['dev.gatehouse/failure']

describe.each(Object.entries(eras))('era %s', (_era, connect) => {
  it('lists and calls', async () => {
    verifies('SRV-KIT.2')
    const client = await connect()
    expect(await client.names()).toContain('echo')
    const result = await client.call('echo', { text: 'ab', times: 2 })
    expect(result).toMatchObject({ structuredContent: { value: 'abab' }, content: [{ type: 'text', text: 'abab' }] })
    expect(result.isError ?? false).toBe(false)
    await client.close()
  })

  it('lists only what the caller may call', async () => {
    verifies('AUTH-8.1')
    const finance = await connect(['finance'])
    const names = await finance.names()
    expect(names).toContain('echo')
    expect(names).not.toContain('ads_only')
    expect(failureOf(await finance.call('ads_only', {}))).toEqual({
      code: 'denied',
      message: 'needs the group ads; ask #fixture-help',
    })
    await finance.close()
  })

  it('answers failures in a way that the client accepts after it has seen the output schemas', async () => {
    const client = await connect()
    await client.names()
    const result = await client.call('fail', { how: 'tool_error' })
    expect(result.isError).toBe(true)
    expect(failureOf(result)).toEqual({
      code: 'engine_busy',
      message: 'the engine is busy',
      next: 'Try again in a minute.',
    })
    await client.close()
  })

  it('reports progress', async () => {
    verifies('SRV-KIT.6')
    const client = await connect()
    const seen: number[] = []
    await client.call('wait', { steps: 5 }, { onprogress: ({ progress }) => seen.push(progress) })
    expect(seen.length).toBeGreaterThan(1)
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    await client.close()
  })

  it('tells the tool when the caller cancels', async () => {
    verifies('SRV-KIT.6')
    const client = await connect()
    const before = world.tools.ended.length
    const abort = new AbortController()
    const call = client.call('wait', {}, { signal: abort.signal })
    setTimeout(() => abort.abort(), 200)
    await expect(call).rejects.toThrow()
    await until(() => world.tools.ended.length > before)
    expect(world.tools.ended.at(-1)).toBe('aborted')
    await client.close()
  })
})
