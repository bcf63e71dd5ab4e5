import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { LIST_TYP } from '@gatehouse/contracts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createCatalog } from '../../src/catalog/catalog.ts'
import type { Catalog, CatalogState } from '../../src/catalog/types.ts'
import { verifies } from '../requirements.ts'
import { eventually } from '../support/browser.ts'
import { type ListSigner, listClaims, listSigner, type WilfulRegistry, wilfulRegistry } from '../support/list-signer.ts'
import { sampleRecord } from '../support/sample-record.ts'
import { MemoryStore } from '../support/session-window.ts'

let registry: WilfulRegistry
let signer: ListSigner
let cacheDir: string
let opened: Catalog[]
beforeEach(async () => {
  registry = await wilfulRegistry()
  signer = await listSigner('key-1')
  registry.keys = [signer.publicJwk]
  cacheDir = await mkdtemp(join(tmpdir(), 'gatehouse-hostile-list-'))
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
function open(options: { now?: () => number; timeLimit?: number; refreshEvery?: number } = {}): Catalog {
  const catalog = createCatalog({
    registryUrl: registry.url,
    fetch,
    subject: () => 'ada',
    onSubject: () => () => undefined,
    clientId: () => 'gatehouse-vscode',
    pins: new MemoryStore(),
    cacheDir,
    log: { info: () => undefined, warn: () => undefined },
    ...options,
  })
  opened.push(catalog)
  return catalog
}
async function refusal(catalog: Catalog): Promise<{ code: string; message: string }> {
  const state = await catalog.refresh()
  if (state.kind !== 'unavailable') throw new Error(`the list was used: ${state.kind}`)
  expect(catalog.find('presto')).toBeUndefined()
  expect(await readdir(cacheDir)).toEqual([])
  return state.problem
}
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
/** The list as signed, with the header or the claims changed after. */
const tampered = (jws: string, change: { header?: object; claims?: object }) => {
  const [head = '', body = '', signature = ''] = jws.split('.')
  return [change.header ? part(change.header) : head, change.claims ? part(change.claims) : body, signature].join('.')
}
async function signedWith(alg: 'ES384' | 'RS256' | 'PS256' | 'EdDSA', kid: string): Promise<{ jws: string; jwk: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jws = await new SignJWT(claims()).setProtectedHeader({ alg, typ: LIST_TYP, kid }).sign(privateKey)
  return { jws, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

describe('a list that somebody made or changed', () => {
  test.each<[string, () => Promise<string>, string]>([
    [
      'expired, with a later end written in',
      async () => tampered(await signer.sign(claims({}, -60)), { claims: claims() }),
      'list_signature',
    ],
    [
      'expired, and signed anew by another key of the same name',
      async () => (await listSigner('key-1')).sign(claims()),
      'list_signature',
    ],
    [
      'signed by a key that it brings along',
      async () => {
        const own = await listSigner('key-1')
        return own.sign(claims(), { jwk: own.publicJwk })
      },
      'list_signature',
    ],
    [
      'signed by a key at an address that it names',
      async () => (await listSigner('key-9')).sign(claims(), { jku: `${registry.url}/evil` }),
      'list_signature',
    ],
    [
      'with alg none',
      async () => tampered(await signer.sign(claims()), { header: { alg: 'none', typ: LIST_TYP, kid: 'key-1' } }),
      'list_signature',
    ],
    [
      'with alg None and no signature',
      async () => `${part({ alg: 'None', typ: LIST_TYP, kid: 'key-1' })}.${part(claims())}.`,
      'list_signature',
    ],
    [
      'with alg HS256 over the public key',
      async () =>
        new SignJWT(claims())
          .setProtectedHeader({ alg: 'HS256', typ: LIST_TYP, kid: 'key-1' })
          .sign(createHash('sha256').update(JSON.stringify(signer.publicJwk)).digest()),
      'list_signature',
    ],
    [
      'with an ES256 signature called ES384',
      async () => tampered(await signer.sign(claims()), { header: { alg: 'ES384', typ: LIST_TYP, kid: 'key-1' } }),
      'list_signature',
    ],
    [
      'with a header that must be understood and is not',
      async () =>
        signer.sign(claims(), { crit: ['exp'], exp: 1 }).catch(() =>
          tampered('a.b.c', {
            header: { alg: 'ES256', typ: LIST_TYP, kid: 'key-1', crit: ['x'], x: 1 },
            claims: claims(),
          }),
        ),
      'list_signature',
    ],
    ['whose key id is a path', async () => signer.sign(claims(), { kid: '../../etc/passwd' }), 'list_signature'],
    ['whose key id is __proto__', async () => signer.sign(claims(), { kid: '__proto__' }), 'list_signature'],
    [
      'with the type of a server record',
      async () => signer.sign(claims(), { typ: 'gatehouse-record+jwt' }),
      'list_invalid',
    ],
    ['with the type of an access token', async () => signer.sign(claims(), { typ: 'at+jwt' }), 'list_invalid'],
    ['without a type', async () => signer.sign(claims(), { typ: undefined }), 'list_invalid'],
    ['made for another person, and replayed', async () => signer.sign(claims({ sub: 'finn' })), 'list_invalid'],
    ['made for nobody', async () => signer.sign(claims({ sub: undefined })), 'list_invalid'],
    ['made for another client', async () => signer.sign(claims({ aud: 'gatehouse-cli' })), 'list_invalid'],
    [
      'made for several clients, ours among them',
      async () => signer.sign(claims({ aud: ['gatehouse-vscode', 'evil'] })),
      'list_invalid',
    ],
    ['of another registry', async () => signer.sign(claims({ iss: 'https://registry.example' })), 'list_invalid'],
    [
      'of a registry whose address only begins as ours',
      async () => signer.sign(claims({ iss: `${registry.url}.evil.example` })),
      'list_invalid',
    ],
    ['without an end', async () => signer.sign(claims({ exp: undefined })), 'list_invalid'],
    ['without a beginning', async () => signer.sign(claims({ iat: undefined })), 'list_invalid'],
    ['whose end is words', async () => signer.sign(claims({ exp: 'never' })), 'list_invalid'],
    [
      'that ends before it begins',
      async () => signer.sign(claims({ iat: Date.now() / 1000 + 100, exp: Date.now() / 1000 + 50 })),
      'list_invalid',
    ],
    ['that has expired', async () => signer.sign(claims({}, -1)), 'list_expired'],
    [
      'of 5,001 servers',
      async () => signer.sign(claims({ servers: Array.from({ length: 5001 }, () => presto) })),
      'list_invalid',
    ],
    [
      'with a server of 1,001 tools',
      async () =>
        signer.sign(
          claims({
            servers: [
              {
                access: 'allowed',
                record: sampleRecord('presto', {
                  tools: Array.from({ length: 1001 }, (_, n) => ({ ...sampleRecord('x').tools[0]!, name: `t${n}` })),
                }),
              },
            ],
          }),
        ),
      'list_invalid',
    ],
    [
      'with a server whose address is code',
      async () =>
        signer.sign(
          claims({ servers: [{ access: 'allowed', record: { ...sampleRecord('presto'), url: 'not a url' } }] }),
        ),
      'list_invalid',
    ],
    ['of four parts', async () => `${await signer.sign(claims())}.${part({})}`, 'list_signature'],
    ['encrypted', async () => `${part({ alg: 'dir', enc: 'A256GCM', kid: 'key-1' })}....`, 'list_signature'],
    ['of nothing', async () => '', 'list_signature'],
  ])('%s, is not used', async (_name, make, code) => {
    verifies('EDIT-1.1', 'REG-5.1')
    registry.list = await make()
    const problem = await refusal(open())
    expect(problem.code).toBe(code)
    expect(problem.message).toMatch(/Tell your security team|is not used|until the registry answers/)
  })

  test.each(['ES384', 'RS256', 'PS256', 'EdDSA'] as const)(
    'signed with %s is not used, even by a key that the registry publishes',
    async (alg) => {
      verifies('REG-5.1')
      const { jws, jwk } = await signedWith(alg, 'key-2')
      registry.keys = [signer.publicJwk, jwk]
      registry.list = jws
      expect((await refusal(open())).code).toBe('list_signature')
    },
  )

  test.each<[string, (response: ServerResponse) => void, string]>([
    [
      'of 17 MB',
      (response) =>
        void response.writeHead(200, { 'content-type': 'application/jwt' }).end('x'.repeat(17 * 1024 * 1024)),
      'registry_not_a_registry',
    ],
    [
      'that never ends',
      (response) => {
        response.writeHead(200, { 'content-type': 'application/jwt' })
        const drip = setInterval(() => response.write('x'), 20)
        response.once('close', () => clearInterval(drip))
      },
      'registry_timeout',
    ],
  ])('%s, is given up', async (_name, answer, code) => {
    verifies('AUTH-1.4')
    registry.list = answer
    expect((await refusal(open({ timeLimit: 3000 }))).code).toBe(code)
  })

  test('for another person, put where the cache of this one is, is not used', async () => {
    verifies('EDIT-1.2')
    registry.list = await signer.sign(claims())
    const first = open()
    await first.refresh()
    const [file = ''] = await readdir(cacheDir)
    first.dispose()
    await writeFile(join(cacheDir, file), await signer.sign(claims({ sub: 'finn' })))
    registry.list = (response) => void response.writeHead(503).end()
    expect((await open().refresh()).kind).toBe('unavailable')
  })
})

describe('a clock that is wrong', () => {
  const MINUTE = 60_000
  /** This machine's clock, so far ahead of the registry's. */
  const clock = (ahead: number) => () => Date.now() + ahead

  test.each<[string, number, number, CatalogState['kind']]>([
    ['five minutes ahead of the registry’s: a list of ten minutes is used', 5 * MINUTE, 600, 'ready'],
    ['five minutes behind: a list of ten minutes is used', -5 * MINUTE + 2000, 600, 'ready'],
    ['five minutes ahead: a list of four minutes is not', 5 * MINUTE, 240, 'unavailable'],
    ['an hour behind: the list is not used', -60 * MINUTE, 600, 'unavailable'],
    ['an hour ahead: the list is not used', 60 * MINUTE, 600, 'unavailable'],
  ])('%s', async (_name, ahead, life, kind) => {
    verifies('EDIT-1.2')
    registry.list = await signer.sign(claims({}, life))
    const state = await open({ now: clock(ahead) }).refresh()
    expect(state.kind).toBe(kind)
    if (state.kind === 'unavailable') expect(state.problem.message).toContain('check the clock of this machine')
  })

  test.each([
    [5 * MINUTE, '5 min ahead'],
    [-5 * MINUTE, '5 min behind'],
  ])('a sign-in that the registry refuses for it is told as that (%d ms)', async (ahead, told) => {
    verifies('EDIT-8.1')
    registry.list = (response) => void response.writeHead(401).end()
    const { code, message } = await refusal(open({ now: clock(ahead) }))
    expect(code).toBe('clock_wrong')
    expect(message).toContain(told)
  })

  test('behind does not make a list live longer than it was signed for', async () => {
    verifies('EDIT-1.2')
    const now = { ahead: -4 * MINUTE }
    registry.list = await signer.sign(claims({}, 600))
    const catalog = open({ now: () => Date.now() + now.ahead })
    const state = await catalog.refresh()
    expect(state.kind === 'ready' && state.expiresAt - (Date.now() + now.ahead)).toBeLessThanOrEqual(600_000)
    registry.list = (response) => void response.writeHead(503).end()
    now.ahead += 600_000
    expect(catalog.find('presto')).toBeUndefined()
  })

  test('ahead does not make every poll fetch the whole list anew', async () => {
    const tags: unknown[] = []
    const jws = await signer.sign(claims({}, 600))
    registry.list = (response) => {
      tags.push(response.req.headers['if-none-match'])
      if (tags.at(-1) === '"1"') response.writeHead(304).end()
      else response.writeHead(200, { 'content-type': 'application/jwt', etag: '"1"' }).end(jws)
    }
    open({ now: clock(5 * MINUTE), refreshEvery: 50 })
    await eventually(() => tags.length >= 3)
    expect(tags.slice(0, 3)).toEqual([undefined, '"1"', '"1"'])
  })
})
