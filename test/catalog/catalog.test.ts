import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT, UnsecuredJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CatalogOptions, createCatalog } from '../../src/catalog/catalog.ts'
import type { Catalog, CatalogState } from '../../src/catalog/types.ts'
import { verifies } from '../requirements.ts'
import { eventually } from '../support/browser.ts'
import { sampleRecord } from '../support/sample-record.ts'
import { listClaims, type ListSigner, listSigner, type WilfulRegistry, wilfulRegistry } from '../support/list-signer.ts'
import { MemoryStore } from '../support/session-window.ts'

let registry: WilfulRegistry
let signer: ListSigner
let cacheDir: string
let pins: MemoryStore
let subject: string | undefined
let listeners: Set<() => void>
let opened: Catalog[]
beforeEach(async () => {
  registry = await wilfulRegistry()
  signer = await listSigner('key-1')
  registry.keys = [signer.publicJwk]
  registry.list = await signer.sign(claims())
  cacheDir = await mkdtemp(join(tmpdir(), 'gatehouse-catalog-'))
  pins = new MemoryStore()
  subject = 'ada'
  listeners = new Set()
  opened = []
})
afterEach(async () => {
  for (const catalog of opened) catalog.dispose()
  await registry.close()
  await rm(cacheDir, { recursive: true, force: true, maxRetries: 5 })
})

const presto = { access: 'allowed', record: sampleRecord('presto') } as const
const claims = (change: Record<string, unknown> = {}, life = 600) => ({
  ...listClaims(registry.url, life, [presto]),
  ...change,
})
function open(options: Partial<CatalogOptions> = {}): Catalog {
  const catalog = createCatalog({
    registryUrl: registry.url,
    fetch,
    subject: () => subject,
    onSubject: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    clientId: () => 'gatehouse-vscode',
    pins,
    cacheDir,
    log: { info: () => {}, warn: () => {} },
    ...options,
  })
  opened.push(catalog)
  return catalog
}
function become(who: string | undefined): void {
  subject = who
  for (const listener of listeners) listener()
}
const problem = (code: string): CatalogState => ({
  kind: 'unavailable',
  problem: { code, message: expect.any(String) as string },
})

describe('the list', () => {
  test('is fetched, verified, cached and found', async () => {
    verifies('EDIT-1.1', 'REG-5.1')
    const catalog = open()
    expect(catalog.state()).toEqual({ kind: 'loading' })
    expect(catalog.find('presto')).toBeUndefined()
    const state = await catalog.refresh()
    expect(state).toMatchObject({
      kind: 'ready',
      servers: [presto],
      version: expect.stringMatching(/^sha256:/) as string,
    })
    expect(catalog.find('presto')?.record.title).toBe('presto')
    expect(catalog.find('spark')).toBeUndefined()
    const [file = ''] = await readdir(cacheDir)
    expect((await stat(join(cacheDir, file))).mode & 0o777).toBe(0o600)
    expect(await readFile(join(cacheDir, file), 'utf8')).toBe(registry.list)
  })

  test('of denied and suspended servers finds none', async () => {
    const { id, title, owner, support } = sampleRecord('spark')
    registry.list = await signer.sign(
      claims({
        servers: [
          { access: 'denied', id, title, owner, support, reason: 'needs group infra' },
          { access: 'allowed', record: sampleRecord('airflow', { status: 'suspended' }) },
        ],
      }),
    )
    const catalog = open()
    expect(await catalog.refresh()).toMatchObject({
      kind: 'ready',
      servers: [{ access: 'denied' }, { access: 'allowed' }],
    })
    expect([catalog.find('spark'), catalog.find('airflow')]).toEqual([undefined, undefined])
  })

  test.each<[string, () => Promise<string>, string]>([
    [
      'signed by a foreign key under the registry’s key id',
      async () => (await listSigner('key-1')).sign(claims()),
      'list_signature',
    ],
    [
      'signed by a key that the registry does not publish',
      async () => (await listSigner('key-2')).sign(claims()),
      'list_signature',
    ],
    ['without a key id', async () => signer.sign(claims(), { kid: undefined }), 'list_signature'],
    [
      'changed after it was signed',
      async () => {
        const [header, , signature] = (registry.list as string).split('.')
        return [
          header,
          Buffer.from(JSON.stringify(claims({ sub: 'ada', extra: 1 }))).toString('base64url'),
          signature,
        ].join('.')
      },
      'list_signature',
    ],
    ['not signed at all', async () => new UnsecuredJWT(claims()).encode(), 'list_signature'],
    [
      'signed with a shared secret',
      async () =>
        new SignJWT(claims())
          .setProtectedHeader({ alg: 'HS256', kid: 'key-1' })
          .sign(new TextEncoder().encode(JSON.stringify(signer.publicJwk))),
      'list_signature',
    ],
    ['that is no token', async () => 'hello', 'list_signature'],
    ['of another type', async () => signer.sign(claims(), { typ: 'gatehouse-record+jwt' }), 'list_invalid'],
    ['of another registry', async () => signer.sign(claims({ iss: 'https://other.example' })), 'list_invalid'],
    ['for another person', async () => signer.sign(claims({ sub: 'finn' })), 'list_invalid'],
    ['for another client', async () => signer.sign(claims({ aud: 'gatehouse-cli' })), 'list_invalid'],
    ['without an end', async () => signer.sign(claims({ exp: undefined })), 'list_invalid'],
    [
      'with a server of the wrong form',
      async () => signer.sign(claims({ servers: [{ access: 'allowed', record: {} }] })),
      'list_invalid',
    ],
    ['that has expired', async () => signer.sign(claims({}, -1)), 'list_expired'],
  ])('%s is not used', async (_name, make, code) => {
    verifies('EDIT-1.1', 'REG-5.1')
    registry.list = await make()
    const catalog = open()
    expect(await catalog.refresh()).toEqual(problem(code))
    expect(catalog.find('presto')).toBeUndefined()
    expect(await readdir(cacheDir)).toEqual([])
  })

  test.each<[string, (response: import('node:http').ServerResponse) => void, string]>([
    ['hangs', () => {}, 'registry_timeout'],
    [
      'answers HTML',
      (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>'),
      'registry_not_a_registry',
    ],
    ['redirects', (response) => void response.writeHead(302, { location: '/login' }).end(), 'registry_not_a_registry'],
    ['has no such path', (response) => void response.writeHead(404).end(), 'registry_not_a_registry'],
    ['fails', (response) => void response.writeHead(500).end(), 'registry_unreachable'],
    ['breaks off', (response) => void response.destroy(), 'registry_unreachable'],
    ['refuses the person', (response) => void response.writeHead(403).end(), 'list_refused'],
    [
      'says nothing has changed to a first question',
      (response) => void response.writeHead(304).end(),
      'registry_not_a_registry',
    ],
  ])('a registry that %s', async (_name, answer, code) => {
    verifies('AUTH-1.4', 'EDIT-1.2')
    registry.list = answer
    expect(await open({ timeLimit: 300 }).refresh()).toEqual(problem(code))
  })

  test('a fault keeps the list that is still within its life, and is shown beside it', async () => {
    verifies('EDIT-1.2')
    const catalog = open()
    await catalog.refresh()
    registry.list = (response) => response.writeHead(503).end()
    expect(await catalog.refresh()).toMatchObject({ kind: 'ready', problem: { code: 'registry_unreachable' } })
    expect(catalog.find('presto')).toBeDefined()
    registry.list = await signer.sign(claims())
    expect(await catalog.refresh()).not.toHaveProperty('problem')
  })

  test('ends the moment it expires, without a poll', async () => {
    verifies('EDIT-1.2')
    registry.list = await signer.sign(claims({}, 0.6))
    const catalog = open()
    await catalog.refresh()
    const { expiresAt } = catalog.state() as Extract<CatalogState, { kind: 'ready' }>
    registry.list = (response) => response.writeHead(503).end()
    const closed = new Promise<number>((resolve) =>
      catalog.onChange(({ kind }) => kind === 'unavailable' && resolve(Date.now())),
    )
    expect(catalog.find('presto')).toBeDefined()
    expect((await closed) - expiresAt).toBeLessThan(300)
    expect(catalog.state()).toEqual(problem('list_expired'))
    expect(catalog.find('presto')).toBeUndefined()
  })

  test('is over for whoever asks late, even if no timer ran', async () => {
    let now = Date.now()
    const catalog = open({ now: () => now })
    await catalog.refresh()
    expect(catalog.find('presto')).toBeDefined()
    now += 600_000
    expect([catalog.find('presto'), catalog.state()]).toEqual([undefined, problem('list_expired')])
  })

  test('is renewed before it ends', async () => {
    registry.list = await signer.sign(claims({}, 2))
    const catalog = open({ refreshEvery: 60_000 })
    await catalog.refresh()
    const first = (catalog.state() as Extract<CatalogState, { kind: 'ready' }>).expiresAt
    registry.list = await signer.sign(claims({}, 600))
    await eventually(() => {
      const state = catalog.state()
      return state.kind === 'ready' && state.expiresAt > first
    })
  })
})

describe('polling', () => {
  test('a server newly listed shows up by itself, and the version changes', async () => {
    verifies('AUTH-2.2', 'EDIT-1.1')
    const catalog = open({ refreshEvery: 50 })
    await catalog.refresh()
    const { version } = catalog.state() as Extract<CatalogState, { kind: 'ready' }>
    registry.list = await signer.sign(
      claims({ servers: [presto, { access: 'allowed', record: sampleRecord('later') }] }),
    )
    await eventually(() => catalog.find('later'))
    expect((catalog.state() as { version?: string }).version).not.toBe(version)
  })

  test('asks with the entity tag, and a 304 keeps the list', async () => {
    const tags: unknown[] = []
    const jws = registry.list as string
    registry.list = (response) => {
      tags.push(response.req.headers['if-none-match'])
      if (response.req.headers['if-none-match'] === '"1"') response.writeHead(304).end()
      else response.writeHead(200, { 'content-type': 'application/jwt', etag: '"1"' }).end(jws)
    }
    const catalog = open()
    await catalog.refresh()
    const state = await catalog.refresh()
    expect(tags).toEqual([undefined, '"1"'])
    expect(state).toMatchObject({ kind: 'ready', servers: [presto] })
  })

  test('refreshes that are asked for together are one request', async () => {
    const catalog = open()
    await Promise.all([catalog.refresh(), catalog.refresh(), catalog.refresh()])
    expect(registry.asked()).toBe(1)
  })

  test('a caller that stops waiting is let go', async () => {
    registry.list = () => {}
    expect(await open().refresh(AbortSignal.timeout(50))).toEqual({ kind: 'loading' })
  })

  test('stops when disposed', async () => {
    const catalog = open({ refreshEvery: 20 })
    await catalog.refresh()
    catalog.dispose()
    const asked = registry.asked()
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(registry.asked()).toBe(asked)
  })
})

describe('keys', () => {
  test('a new key of the registry is looked up once and then used', async () => {
    const catalog = open()
    await catalog.refresh()
    const next = await listSigner('key-2')
    let now = Date.now()
    const later = open({ now: () => now })
    registry.keys = [signer.publicJwk, next.publicJwk]
    registry.list = await next.sign(claims())
    expect(await later.refresh()).toMatchObject({ kind: 'ready' })

    const looks = () => registry.requests.filter(({ url }) => url?.endsWith('/keys')).length
    const before = looks()
    registry.list = await (await listSigner('key-3')).sign(claims())
    for (let n = 0; n < 5; n++) await later.refresh()
    expect(looks() - before).toBe(0)
    now += 31_000
    await later.refresh()
    expect(looks() - before).toBe(1)
  })

  test('a key that the registry has withdrawn is not trusted for long', async () => {
    let now = Date.now()
    const catalog = open({ now: () => now })
    await catalog.refresh()
    registry.keys = []
    now += 3_601_000
    registry.list = await signer.sign(claims({ iat: now / 1000, exp: now / 1000 + 600 }))
    expect(await catalog.refresh()).toEqual(problem('list_expired'))
    expect((catalog.state() as { problem: { message: string } }).problem.message).toContain(
      'not signed by the registry',
    )
  })
})

describe('the cache', () => {
  test('carries a start without the registry over, and only until the list expires', async () => {
    verifies('EDIT-1.2')
    await open().refresh()
    await registry.close()
    let now = Date.now()
    const catalog = open({ now: () => now })
    await eventually(() => catalog.state().kind === 'ready')
    expect(await catalog.refresh()).toMatchObject({
      kind: 'ready',
      servers: [presto],
      problem: { code: 'registry_unreachable' },
    })
    now += 600_000
    expect(catalog.find('presto')).toBeUndefined()
    const late = open({ now: () => now })
    expect(await late.refresh()).toEqual(problem('registry_unreachable'))
  })

  test.each<[string, (file: string) => Promise<void>]>([
    ['signed by somebody else', async (file) => writeFile(file, await (await listSigner('key-1')).sign(claims()))],
    ['made for somebody else', async (file) => writeFile(file, await signer.sign(claims({ sub: 'finn' })))],
    ['of garbage', async (file) => writeFile(file, Buffer.from([0, 1, 2, 255]))],
    ['without keys that were pinned', async () => pins.entries.clear()],
  ])('%s is not used', async (_name, spoil) => {
    verifies('EDIT-1.2')
    await open().refresh()
    const [file = ''] = await readdir(cacheDir)
    await spoil(join(cacheDir, file))
    await registry.close()
    expect(await open().refresh()).toEqual(problem('registry_unreachable'))
  })

  test('that cannot be written does not matter while the registry answers', async () => {
    await rm(cacheDir, { recursive: true })
    await writeFile(cacheDir, 'a file where the folder should be')
    expect(await open().refresh()).toMatchObject({ kind: 'ready' })
  })
})

describe('the person', () => {
  test('signs out: nothing is left, in memory or on disk', async () => {
    verifies('AUTH-3.2')
    const catalog = open()
    await catalog.refresh()
    const states: string[] = []
    catalog.onChange(({ kind }) => states.push(kind))
    become(undefined)
    expect([catalog.state(), catalog.find('presto'), states]).toEqual([
      { kind: 'signed-out' },
      undefined,
      ['signed-out'],
    ])
    await eventually(async () => (await readdir(cacheDir)).length === 0)
    expect(await catalog.refresh()).toEqual({ kind: 'signed-out' })
  })

  test('changes: a list for the one is never shown to the other', async () => {
    const catalog = open()
    await catalog.refresh()
    // Even before the catalog is told.
    subject = 'finn'
    expect(catalog.find('presto')).toBeUndefined()
    become('finn')
    expect(catalog.state()).toEqual({ kind: 'loading' })
    expect(await catalog.refresh()).toEqual(problem('list_invalid'))
  })

  test('signs out while the list is on its way', async () => {
    const jws = registry.list as string
    registry.list = (response) => {
      setTimeout(() => response.writeHead(200, { 'content-type': 'application/jwt' }).end(jws), 100)
    }
    const catalog = open()
    const refreshing = catalog.refresh()
    become(undefined)
    await refreshing
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect([catalog.state(), await readdir(cacheDir)]).toEqual([{ kind: 'signed-out' }, []])
  })

  test('signs in later', async () => {
    subject = undefined
    const catalog = open()
    expect(catalog.state()).toEqual({ kind: 'signed-out' })
    become('ada')
    await eventually(() => catalog.find('presto'))
  })

  test('a listener that fails does not stop the others', async () => {
    const catalog = open()
    catalog.onChange(() => {
      throw new Error('mine')
    })
    expect(await catalog.refresh()).toMatchObject({ kind: 'ready' })
  })
})
