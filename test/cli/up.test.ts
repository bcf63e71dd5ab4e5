import { statSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { gatehouse, gone, type ReadyEvent, Up } from './command.ts'
import { type DataFolder, temporaryDataFolder } from '../support/data-folder.ts'

const SLOW = 240_000
const CREATE = { sql: "CREATE TABLE sandbox.kept AS SELECT 'still here' AS note" }
const BEFORE_KILL = { sql: "CREATE TABLE sandbox.survives AS SELECT 'written before the kill' AS note" }
const READ = { sql: 'SELECT note FROM sandbox.survives' }

let data: DataFolder
const started: Up[] = []
beforeAll(async () => {
  data = await temporaryDataFolder()
})
afterEach(async () => {
  for (const up of started.splice(0))
    if (up.child.exitCode === null && up.child.signalCode === null) await up.end('SIGTERM')
})
afterAll(() => data.remove())

function up(...args: string[]): Up {
  const running = new Up('--data', data.path, ...args)
  started.push(running)
  return running
}

async function call(tool: string, args: object, ...more: string[]) {
  const { stdout, stderr, status } = await gatehouse(
    'call',
    '--data',
    data.path,
    '--server',
    'presto',
    '--tool',
    tool,
    '--args',
    JSON.stringify(args),
    ...more,
  )
  return { status, stderr, result: stdout === '' ? undefined : (JSON.parse(stdout) as Record<string, unknown>) }
}

describe('the whole stack', () => {
  test(
    'reaches ready, serves calls, writes only what is approved, and stops without leaving a process',
    async () => {
      verifies('OPS-1.1', 'SRV-P.4', 'AUTH-8.3')
      const running = up('--port', '0')
      const ready: ReadyEvent = await running.ready()
      expect(running.events.at(-1)).toBe(ready)
      for (const server of ['presto', 'runbooks'])
        expect(ready.servers[server]?.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp$/)
      expect(ready.people).toContainEqual(expect.objectContaining({ user: 'ada', groups: ['ads'] }))
      for (const file of ['stack.json', 'dev-secret', 'intake-token', 'lock.sqlite']) {
        expect(statSync(join(data.path, file)).mode & 0o777).toBe(0o600)
      }

      const found = await call('search_tables', { words: 'revenue' })
      expect(found.status, found.stderr + JSON.stringify(found.result)).toBe(0)

      const unapproved = await call('execute_statement', CREATE)
      expect(unapproved.status).toBe(1)
      expect(unapproved.result?.['structuredContent']).toMatchObject({ code: 'approval_required' })
      const approved = await call('execute_statement', CREATE, '--approve')
      expect(approved.status, JSON.stringify(approved.result)).toBe(0)
      const again = await call('execute_statement', CREATE, '--approve')
      expect(again.result?.['isError']).toBe(true)

      const denied = await call('search_tables', { words: 'revenue' }, '--user', 'carl')
      expect(denied).toMatchObject({ status: 1, result: undefined })
      expect(denied.stderr).toContain('(denied)')
      expect(denied.stderr).toContain('#presto-help')

      const token = await gatehouse('token', '--data', data.path, '--user', 'ada', '--resource', ready.registry)
      const listed = await fetch(`${ready.registry}/v0.1/servers`, {
        headers: { authorization: `Bearer ${token.stdout.trim()}` },
      })
      expect(listed.status).toBe(200)

      expect(await running.end('SIGTERM')).toBe(0)
      expect(running.pids()).toHaveLength(4)
      expect(await gone(running.pids())).toBe(true)
      expect(
        await gatehouse('token', '--data', data.path, '--user', 'ada', '--resource', ready.registry),
      ).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('stack_not_running') as string,
      })
    },
    SLOW,
  )

  test(
    'after kill -9 a new start on the same ports works, with the data intact, a suspension too',
    async () => {
      verifies('OPS-1.2', 'REG-3.1')
      const base = await freeBase()
      const killed = up('--port-base', String(base))
      await killed.ready()
      expect(await call('execute_statement', BEFORE_KILL, '--approve')).toMatchObject({ status: 0 })
      expect(await gatehouse('suspend', '--data', data.path, '--server', 'presto', '--reason', 'a test')).toMatchObject(
        { status: 0 },
      )
      expect((await call('run_query', READ)).stderr).toMatch(/server_suspended/)
      killed.child.kill('SIGKILL')
      await killed.end()

      const running = up('--port-base', String(base))
      const ready = await running.ready()
      expect(await gone(killed.pids(), 1000)).toBe(true)
      expect(ready.issuer).toBe(`http://127.0.0.1:${base}`)
      expect(running.events).toContainEqual(expect.objectContaining({ kind: 'listed', status: 'suspended' }))
      expect(
        await gatehouse('reinstate', '--data', data.path, '--server', 'presto', '--reason', 'a test'),
      ).toMatchObject({ status: 0 })
      const kept = await retry(
        () => call('run_query', READ),
        ({ status }) => status === 0,
      )
      expect(JSON.stringify(kept.result)).toContain('written before the kill')
      expect(await running.end('SIGINT')).toBe(0)
      expect(await gone(running.pids())).toBe(true)
    },
    SLOW,
  )
})

describe('a service that ends by itself', () => {
  test(
    'is started again, and that is said',
    async () => {
      verifies('OPS-1.1')
      const running = up('--only', 'identity', '--port', '0')
      const { issuer } = await running.ready()
      const [first] = running.pids()
      if (first === undefined) throw new Error('no process')
      process.kill(first, 'SIGKILL')
      await running.event(({ kind, service }) => kind === 'crashed' && service === 'identity')
      await running.event(({ kind, pid }) => kind === 'started' && pid !== first)
      expect((await fetch(`${issuer}/healthz`)).status).toBe(200)
      expect(await running.end('SIGTERM')).toBe(0)
      expect(await gone(running.pids())).toBe(true)
    },
    SLOW,
  )
})

describe('a start that cannot be', () => {
  /** One clear line with the code, a non-zero status, nothing left running. */
  async function refused(running: Up, code: string): Promise<void> {
    expect(await running.end()).toBe(1)
    expect(running.stderr.trim().split('\n')).toHaveLength(1)
    expect(running.stderr).toContain(`(${code})`)
    expect(running.events.at(-1)).toMatchObject({ kind: 'error', code })
    expect(await gone(running.pids())).toBe(true)
  }

  test('a port in use', async () => {
    verifies('OPS-1.1')
    const base = await freeBase()
    const other = createServer().listen(base, '127.0.0.1')
    await once(other, 'listening')
    await refused(up('--only', 'identity', '--port-base', String(base)), 'port_in_use')
    other.close()
  })

  test('a data folder that is a file', async () => {
    verifies('OPS-1.1')
    const file = join(data.path, 'lock.sqlite')
    const running = new Up('--only', 'identity', '--port', '0', '--data', file)
    await refused(running, 'data_folder_broken')
  })

  test('a data folder whose secret or identity database is damaged', async () => {
    verifies('OPS-1.1')
    const { writeFile, mkdir } = await import('node:fs/promises')
    const damaged = await temporaryDataFolder()
    await writeFile(join(damaged.path, 'dev-secret'), 'short')
    await refused(new Up('--only', 'identity', '--port', '0', '--data', damaged.path), 'data_folder_broken')
    await writeFile(join(damaged.path, 'dev-secret'), 'x'.repeat(43))
    await mkdir(join(damaged.path, 'identity'))
    await writeFile(
      join(damaged.path, 'identity/identity.sqlite'),
      'not a database, but long enough to be read as one'.repeat(99),
    )
    await refused(new Up('--only', 'identity', '--port', '0', '--data', damaged.path), 'data_folder_broken')
    await damaged.remove()
  })

  test(
    'a data folder that another one uses, which goes on',
    async () => {
      const first = up('--only', 'identity', '--port', '0')
      const { issuer } = await first.ready()
      await refused(up('--only', 'identity', '--port', '0'), 'data_folder_in_use')
      expect((await fetch(`${issuer}/healthz`)).status).toBe(200)
    },
    SLOW,
  )

  test(
    'one that is told to stop while it starts leaves nothing behind',
    async () => {
      verifies('OPS-1.1')
      const running = up('--port', '0')
      await running.event(({ kind, service }) => kind === 'starting' && service === 'registry')
      expect(await running.end('SIGTERM')).toBe(0)
      expect(running.events.some(({ kind }) => kind === 'ready')).toBe(false)
      expect(await gone(running.pids())).toBe(true)
    },
    SLOW,
  )

  test.each([
    [['--port', '80']],
    [['--port-base', 'x']],
    [['--port-base', '65530']],
    [['--port', '0', '--port-base', '7000']],
    [['--only', 'airflow']],
    [['--unknown']],
  ])('options %j', async (options) => {
    await refused(up(...options), 'usage')
  })
})

/** The first of ten ports of which those that the stack uses are free now. */
async function freeBase(): Promise<number> {
  for (;;) {
    const base = 20_000 + Math.floor(Math.random() * 20_000)
    const free = await Promise.all([0, 1, 2, 6, 9].map((offset) => isFree(base + offset)))
    if (free.every(Boolean)) return base
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const listening = new Promise<boolean>((resolve) => {
    server.once('listening', () => resolve(true)).once('error', () => resolve(false))
  })
  server.listen(port, '127.0.0.1')
  const free = await listening
  await new Promise<void>((resolve) => void server.close(() => resolve()))
  return free
}

async function retry<T>(run: () => Promise<T>, good: (result: T) => boolean): Promise<T> {
  const deadline = Date.now() + 30_000
  for (;;) {
    const result = await run()
    if (good(result) || Date.now() > deadline) return result
  }
}
