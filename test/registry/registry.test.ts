import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { readConfig, startRegistry } from '@gatehouse/registry'
import { build } from 'esbuild'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestPostgres } from '../support/postgres.ts'
import { verifies } from '../requirements.ts'
import { codeOf, prestoRecord, type Stack, startStack } from './stack.ts'

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }
const UNREACHABLE = 'postgresql://nobody:hidden-password@127.0.0.1:9/nothing'

describe('a running registry', () => {
  let stack: Stack
  beforeAll(async () => {
    stack = await startStack()
    await stack.put(prestoRecord())
  })
  afterAll(() => stack.stop())

  test('says by RFC 9728 who issues its tokens, and which client to use', async () => {
    verifies('AUTH-1.1')
    const response = await fetch(`${stack.url}/.well-known/oauth-protected-resource`)
    expect(await response.json()).toMatchObject({
      resource: stack.url,
      authorization_servers: [stack.identity.url],
      gatehouse_client_id: 'gatehouse-vscode',
      jwks_uri: `${stack.url}/gatehouse/v1/keys`,
    })
  })

  test('publishes public keys only', async () => {
    const jwks: unknown = await (await fetch(`${stack.url}/gatehouse/v1/keys`)).json()
    expect(jwks).toEqual({
      keys: [
        {
          kty: 'EC',
          crv: 'P-256',
          alg: 'ES256',
          use: 'sig',
          kid: expect.any(String) as unknown,
          x: expect.any(String) as unknown,
          y: expect.any(String) as unknown,
        },
      ],
    })
  })

  test('answers 404 with a code for what it does not have', async () => {
    for (const path of ['/', '/gatehouse/v1/nothing', '/gatehouse/v1/audit']) {
      const response = await fetch(`${stack.url}${path}`)
      expect([response.status, await codeOf(response)]).toEqual([404, 'not_found'])
    }
  })

  test('keeps its key and its servers over a restart', async () => {
    verifies('REG-9.1', 'OPS-1.2')
    const keys = async () => (await fetch(`${stack.url}/gatehouse/v1/keys`)).text()
    const before = await keys()
    await stack.restart()
    expect(await keys()).toBe(before)
    expect((await stack.list('ada')).servers).toContainEqual(expect.objectContaining({ access: 'allowed' }))
  })

  test('stops only after the requests in flight, and takes no more', async () => {
    verifies('SRV-KIT.8')
    const released = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    const holding = stack.database.transaction().execute(async (transaction) => {
      await sql`lock table audit_events in share row exclusive mode`.execute(transaction)
      held.resolve()
      await released.promise
    })
    await held.promise
    const token = await stack.token('ada')
    const inFlight = fetch(`${stack.url}/gatehouse/v1/list`, { headers: { Authorization: `Bearer ${token}` } })
    await stack.waitingForLock()
    const restarted = stack.restart()
    await expect(fetch(`${stack.url}/healthz`)).rejects.toThrow('fetch failed')
    released.resolve()
    expect((await inFlight).status).toBe(200)
    await Promise.all([holding, restarted])
  })
})

describe('endpoints with a secret', () => {
  test('do not exist where no secret is configured', async () => {
    const { intakeToken: _, devSecret: __, ...bare } = { intakeToken: '', devSecret: '' }
    const postgres = await startTestPostgres()
    const databaseUrl = await postgres.databaseUrl('registry')
    const config = { host: '127.0.0.1', port: 0, issuer: 'http://127.0.0.1:9', databaseUrl, ...bare }
    const registry = await startRegistry(config, { log: silent })
    try {
      const put = await fetch(`${registry.url}/gatehouse/v1/dev/servers/presto`, { method: 'PUT' })
      const post = await fetch(`${registry.url}/gatehouse/v1/audit`, { method: 'POST' })
      expect([put.status, post.status]).toEqual([404, 404])
    } finally {
      await registry.stop()
      await postgres.stop()
    }
  })
})

describe('without its database', () => {
  test('it does not start', async () => {
    const config = { host: '127.0.0.1', port: 0, issuer: 'http://127.0.0.1:9', databaseUrl: UNREACHABLE }
    await expect(startRegistry(config, { log: silent })).rejects.toMatchObject({ code: 'database_unreachable' })
  })

  test('a running one answers 503 everywhere, and recovers', async () => {
    verifies('AUTH-8.2')
    const stack = await startStack()
    try {
      await stack.put(prestoRecord({ public: true }))
      const headers = await stack.bearer('ada')
      const answers = async () =>
        Promise.all([
          fetch(`${stack.url}/healthz`),
          fetch(`${stack.url}/gatehouse/v1/list`, { headers }),
          fetch(`${stack.url}/gatehouse/v1/records/presto`),
          fetch(`${stack.url}/v0.1/servers`),
          stack.deliver([]),
        ])
      expect((await answers()).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
      await stack.breakDatabase()
      for (const answer of await answers()) {
        expect([answer.status, await codeOf(answer)]).toEqual([503, 'database_unreachable'])
        expect(answer.headers.get('Retry-After')).toBe('2')
      }
      await stack.mendDatabase()
      expect((await answers()).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    } finally {
      await stack.stop()
    }
  })
})

test('replicas that start together on an empty database agree on one key', async () => {
  verifies('REG-9.1')
  const postgres = await startTestPostgres()
  const databaseUrl = await postgres.databaseUrl('registry')
  const config = { host: '127.0.0.1', port: 0, issuer: 'http://127.0.0.1:9', databaseUrl }
  const replicas = await Promise.all(Array.from({ length: 4 }, () => startRegistry(config, { log: silent })))
  try {
    const keys = await Promise.all(replicas.map(async ({ url }) => (await fetch(`${url}/gatehouse/v1/keys`)).text()))
    expect(new Set(keys).size).toBe(1)
  } finally {
    await Promise.all(replicas.map((replica) => replica.stop()))
    await postgres.stop()
  }
})

describe('configuration', () => {
  const good = { GATEHOUSE_ISSUER: 'http://127.0.0.1:1', DATABASE_URL: UNREACHABLE }

  test('has the lives and the clients of the contract by default', () => {
    expect(readConfig(good)).toMatchObject({ host: '127.0.0.1', port: 0, recordLife: 60, listLife: 600 })
  })

  test.each([
    [{ DATABASE_URL: UNREACHABLE }, 'GATEHOUSE_ISSUER'],
    [{ ...good, GATEHOUSE_ISSUER: 'http://127.0.0.1:1/realms/x?y' }, 'GATEHOUSE_ISSUER'],
    [{ ...good, DATABASE_URL: 'mysql://hidden-password@host' }, 'DATABASE_URL'],
    [{ ...good, GATEHOUSE_PORT: '70000' }, 'GATEHOUSE_PORT'],
    [{ ...good, GATEHOUSE_DEV_SECRET: 'short' }, 'GATEHOUSE_DEV_SECRET'],
    [{ ...good, GATEHOUSE_RECORD_LIFE: '0' }, 'GATEHOUSE_RECORD_LIFE'],
    [{ ...good, GATEHOUSE_CLIENTS: '[' }, 'GATEHOUSE_CLIENTS'],
    [{ ...good, GATEHOUSE_CLIENTS: '[{"clientId":"a"}]' }, 'GATEHOUSE_CLIENTS'],
  ])('names the variable that is wrong, and not its value: %#', (environment, variable) => {
    const attempt = () => readConfig(environment)
    expect(attempt).toThrow(variable)
    expect(attempt).not.toThrow('hidden-password')
  })
})

describe('the process', () => {
  let folder: string
  let main: string
  beforeAll(async () => {
    // Inside the checkout, so that the packages that are not bundled are found.
    folder = await mkdtemp(join(import.meta.dirname, '../../node_modules/.registry-'))
    main = join(folder, 'main.js')
    await build({
      entryPoints: [join(import.meta.dirname, '../../companion/services/registry/src/main.ts')],
      outfile: main,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node22',
      external: ['@cedar-policy/cedar-wasm', 'pg-native'],
      banner: {
        js: "import { createRequire as __createRequire } from 'node:module';const require = __createRequire(import.meta.url);",
      },
    })
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function run(environment: Record<string, string>, act?: (url: string, child: ChildProcess) => Promise<void>) {
    const child = spawn(process.execPath, [main], { env: { ...environment }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    const output = { out: '', err: '' }
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.err += text))
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output.out += text
      void act?.((JSON.parse(output.out) as { url: string }).url, child)
    })
    // After a disconnect Node emits no `close`.
    const [status] = (await once(child, 'exit')) as [number | null]
    for (const stream of [child.stdout, child.stderr]) if (stream) await finished(stream)
    return { status, ...output }
  }

  test.each([
    ['SIGTERM', (child: ChildProcess) => child.kill('SIGTERM')],
    ['SIGINT', (child: ChildProcess) => child.kill('SIGINT')],
    ['the death of its parent', (child: ChildProcess) => child.disconnect()],
  ])('says where it listens in one line, and ends with status 0 on %s', async (_, end) => {
    verifies('OPS-1.1')
    const postgres = await startTestPostgres()
    const environment = { GATEHOUSE_ISSUER: 'http://127.0.0.1:9', DATABASE_URL: await postgres.databaseUrl('registry') }
    let health = 0
    const ended = await run(environment, async (url, child) => {
      health = (await fetch(`${url}/healthz`)).status
      end(child)
    })
    await postgres.stop()
    expect(health).toBe(200)
    expect(ended.status).toBe(0)
    expect(ended.out).toMatch(/^\{"kind":"listening","url":"http:\/\/127\.0\.0\.1:\d+"\}\n$/)
  })

  test('a port in use, an unreachable database, a missing variable: one clear line and status 1', async () => {
    verifies('OPS-1.1')
    const postgres = await startTestPostgres()
    const busy = createServer().listen(0, '127.0.0.1')
    await once(busy, 'listening')
    const address = busy.address()
    const port = typeof address === 'object' && address ? String(address.port) : ''
    const good = { GATEHOUSE_ISSUER: 'http://127.0.0.1:9', DATABASE_URL: await postgres.databaseUrl('registry') }
    const cases: [string, Record<string, string>][] = [
      ['port_in_use', { ...good, GATEHOUSE_PORT: port }],
      ['database_unreachable', { ...good, DATABASE_URL: UNREACHABLE }],
      ['config_invalid', { DATABASE_URL: good.DATABASE_URL }],
    ]
    for (const [code, environment] of cases) {
      const ended = await run(environment)
      expect(ended).toMatchObject({ status: 1, out: '' })
      expect(ended.err.trim().split('\n')).toHaveLength(1)
      expect(JSON.parse(ended.err)).toMatchObject({ level: 'error', code, message: expect.any(String) as unknown })
      expect(ended.err).not.toContain('hidden-password')
    }
    busy.close()
    await postgres.stop()
  })
})
