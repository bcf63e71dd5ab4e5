import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { verifies } from '../requirements.ts'
import { codeOf, prestoRecord, type Stack, startStack } from './stack.ts'

const Item = z.object({
  server: z.looseObject({ name: z.string(), version: z.string() }),
  _meta: z.object({
    'io.modelcontextprotocol.registry/official': z.object({
      status: z.string(),
      publishedAt: z.iso.datetime(),
      updatedAt: z.iso.datetime(),
      isLatest: z.boolean(),
    }),
    'dev.gatehouse/governance': z.looseObject({ tools: z.array(z.looseObject({ name: z.string() })) }),
  }),
})
const List = z.object({
  servers: z.array(Item),
  metadata: z.object({ count: z.int(), nextCursor: z.string().optional() }),
})

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
  await stack.put(prestoRecord({ public: true, version: '1.0.0' }))
  await stack.put(prestoRecord({ public: true, version: '1.1.0' }))
  await stack.put(prestoRecord({ id: 'airflow', title: 'Airflow', description: 'DAG runs.', groups: ['infra'] }))
  await stack.put(prestoRecord({ id: 'knowledge', title: '100% docs', public: true }))
  await stack.put(prestoRecord({ id: 'gone', public: true, status: 'retired' }))
})
afterAll(() => stack.stop())

const get = (path: string, headers: Record<string, string> = {}) => fetch(`${stack.url}/v0.1${path}`, { headers })
const list = async (path: string, headers?: Record<string, string>) =>
  List.parse(await (await get(path, headers)).json())
const names = (page: z.infer<typeof List>) => page.servers.map(({ server }) => `${server.name}@${server.version}`)

describe('GET /v0.1/servers', () => {
  test('without a token lists only public records, and none of their tools', async () => {
    verifies('REG-1.1', 'REG-1.2')
    const page = await list('/servers')
    expect(names(page)).toEqual([
      'dev.gatehouse/knowledge@1.0.0',
      'dev.gatehouse/presto@1.0.0',
      'dev.gatehouse/presto@1.1.0',
    ])
    expect(page.metadata).toEqual({ count: 3 })
    expect(page.servers.flatMap((item) => item._meta['dev.gatehouse/governance'].tools)).toEqual([])
  })

  test('is server.json of 2025-12-11 with the governance record in the outer _meta', async () => {
    verifies('REG-1.1', 'REG-2.1')
    const [item] = (await list('/servers?search=presto&version=latest')).servers
    expect(item?.server).toEqual({
      $schema: 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json',
      name: 'dev.gatehouse/presto',
      title: 'Presto',
      description: 'Tables of the warehouse, queried with SQL.',
      version: '1.1.0',
      remotes: [{ type: 'streamable-http', url: 'https://presto.example/mcp' }],
    })
    expect(item?._meta).toMatchObject({
      'io.modelcontextprotocol.registry/official': { status: 'active', isLatest: true },
      'dev.gatehouse/governance': {
        owner: { team: 'owners-presto' },
        groups: ['ads', 'finance', 'infra'],
        clients: [],
      },
    })
  })

  test('with a token lists what the caller may use, with the tools the caller may call', async () => {
    verifies('REG-1.2', 'AUTH-8.1')
    expect(names(await list('/servers?version=latest', await stack.bearer('carl')))).toEqual([])
    expect(names(await list('/servers?version=latest', await stack.bearer('ada')))).toEqual([
      'dev.gatehouse/knowledge@1.0.0',
      'dev.gatehouse/presto@1.1.0',
    ])
    const ines = await list('/servers?version=latest', await stack.bearer('ines'))
    expect(names(ines)).toContain('dev.gatehouse/airflow@1.0.0')
    expect(ines.servers[0]?._meta['dev.gatehouse/governance'].tools).toHaveLength(2)
  })

  test('with a bad token is 401, not the public view', async () => {
    verifies('REG-1.2')
    const response = await get('/servers', { Authorization: 'Bearer nonsense' })
    expect([response.status, response.headers.get('Access-Control-Allow-Origin')]).toEqual([401, '*'])
  })

  test('pages with an opaque cursor until everything was seen once', async () => {
    verifies('REG-1.1')
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await list(`/servers?limit=1${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`)
      expect(page.metadata.count).toBe(1)
      seen.push(...names(page))
      cursor = page.metadata.nextCursor
    } while (cursor)
    expect(seen).toEqual(names(await list('/servers')))
  })

  test('filters by words, version and time; wildcards are words', async () => {
    verifies('REG-1.1')
    expect(names(await list('/servers?search=PRESTO&version=1.0.0'))).toEqual(['dev.gatehouse/presto@1.0.0'])
    expect(names(await list('/servers?search=100%25'))).toEqual(['dev.gatehouse/knowledge@1.0.0'])
    expect(names(await list('/servers?search=_'))).toEqual([])
    expect(names(await list('/servers?version=9.9.9'))).toEqual([])
    const later = encodeURIComponent(new Date(Date.now() + 60_000).toISOString())
    expect(names(await list(`/servers?updated_since=${later}`))).toEqual([])
  })

  test('shows what was taken down only to those who ask for it', async () => {
    verifies('REG-3.1')
    expect(names(await list('/servers'))).not.toContain('dev.gatehouse/gone@1.0.0')
    const page = await list('/servers?include_deleted=true&search=gone')
    expect(page.servers[0]?._meta['io.modelcontextprotocol.registry/official'].status).toBe('deleted')
    const since = encodeURIComponent('2020-01-01T00:00:00+02:00')
    expect(names(await list(`/servers?updated_since=${since}`))).toContain('dev.gatehouse/gone@1.0.0')
  })

  test.each([
    ['cursor=%21%21', 'invalid_cursor'],
    ['cursor=eyJhIjoxfQ', 'invalid_cursor'],
    ['limit=0', 'invalid_limit'],
    ['limit=101', 'invalid_limit'],
    ['limit=ten', 'invalid_limit'],
    ['limit=1.5', 'invalid_limit'],
    ['updated_since=yesterday', 'invalid_updated_since'],
    ['include_deleted=maybe', 'invalid_include_deleted'],
    ['search=%00', 'invalid_search'],
    [`version=${'9'.repeat(65)}`, 'invalid_version'],
  ])('%s is 400 %s', async (query, code) => {
    verifies('REG-1.1')
    const response = await get(`/servers?${query}`)
    expect([response.status, await codeOf(response)]).toEqual([400, code])
  })
})

describe('versions', () => {
  const presto = `/servers/${encodeURIComponent('dev.gatehouse/presto')}/versions`

  test('all, newest first', async () => {
    verifies('REG-1.1')
    const page = await list(presto)
    expect(names(page)).toEqual(['dev.gatehouse/presto@1.1.0', 'dev.gatehouse/presto@1.0.0'])
    expect(page.metadata.count).toBe(2)
  })

  test('the latest and an exact one', async () => {
    verifies('REG-1.1')
    const version = async (path: string) => Item.parse(await (await get(`${presto}/${path}`)).json())
    expect((await version('latest')).server.version).toBe('1.1.0')
    const old = await version('1.0.0')
    expect(old._meta['io.modelcontextprotocol.registry/official'].isLatest).toBe(false)
  })

  test('what is not there, was taken down, or may not be seen is equally not found', async () => {
    verifies('REG-1.1', 'REG-1.2', 'REG-3.1')
    const paths = ['nothing', 'dev.gatehouse/nothing', 'dev.gatehouse/airflow', 'dev.gatehouse/gone', 'a\0b']
    for (const name of paths) {
      for (const end of ['versions', 'versions/latest', 'versions/1.0.0']) {
        const response = await get(`/servers/${encodeURIComponent(name)}/${end}`)
        expect([response.status, await codeOf(response)]).toEqual([404, 'server_not_found'])
      }
    }
    expect((await get(`${presto}/9.9.9`)).status).toBe(404)
  })

  test('a suspended server is gone from here too', async () => {
    verifies('REG-3.1')
    await stack.changeStatus('ines', 'presto', 'suspend')
    const hidden = await get(`${presto}/latest`)
    const shown = await get(`${presto}/latest?include_deleted=true`, await stack.bearer('ada'))
    await stack.changeStatus('ines', 'presto', 'reinstate')
    expect(hidden.status).toBe(404)
    const item = Item.parse(await shown.json())
    expect(item._meta['io.modelcontextprotocol.registry/official'].status).toBe('deleted')
    expect(item._meta['dev.gatehouse/governance'].tools).toEqual([])
  })
})

test('cross-origin reading is open, as the editor’s gallery needs', async () => {
  verifies('REG-1.1')
  const preflight = await fetch(`${stack.url}/v0.1/servers`, {
    method: 'OPTIONS',
    headers: { Origin: 'vscode-file://vscode-app', 'Access-Control-Request-Method': 'GET' },
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('Access-Control-Allow-Methods')).toBe('GET, OPTIONS')
  expect(preflight.headers.get('Access-Control-Allow-Headers')).toBe('Authorization, Content-Type')
  for (const path of ['/servers', '/servers?limit=0', '/servers/x%2Fy/versions', '/nothing']) {
    expect((await get(path)).headers.get('Access-Control-Allow-Origin')).toBe('*')
  }
})
