import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { freePort } from './free-port.ts'
import { fail, root, run, say } from './process.ts'
import { ensureSystemPackages } from './system-packages.ts'

/** code-server 4.139.1 is VS Code 1.139.1: the real workbench and extension host, served to a browser. */
const VERSION = '4.139.1'
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'gatehouse')

/**
 * Folder that holds bin/ and include/ of the Node that runs this: code-server's native modules are built against its headers. The npm
 * package `node` keeps them in a package of the platform, below or beside itself.
 */
function nodeFolder(): string {
  const platform = `node-${process.platform}-${process.arch}`
  const folders = [
    dirname(dirname(realpathSync(process.execPath))),
    join(root, 'node_modules', 'node', 'node_modules', platform),
    join(root, 'node_modules', platform),
  ]
  const found = folders.find((folder) => existsSync(join(folder, 'include', 'node', 'common.gypi')))
  return (
    found ?? fail(`the headers of Node ${process.versions.node} are in none of ${folders.join(', ')}; run npm ci again`)
  )
}

/** What an npm around us says of itself and its Node would be taken for the npm that we start; where packages come from is kept. */
function withoutOuterNpm(): NodeJS.ProcessEnv {
  const kept = /^npm_config_(registry|cafile|cache|userconfig|globalconfig|https?_proxy|proxy|noproxy)$/i
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name) || kept.test(name)))
}

/** Installs the browser-served VS Code into the cache on first use. @returns the folder of the package */
export async function ensureCodeServer(): Promise<string> {
  const folder = join(cache, `code-server-${VERSION}-node${process.versions.node}`)
  const installed = join(folder, 'node_modules', 'code-server')
  if (existsSync(join(folder, '.complete'))) return installed
  await ensureSystemPackages('editor')
  say(`fetching the browser-served VS Code (code-server ${VERSION}, about 620 MB, two to three minutes, once) …`)
  const headers = nodeFolder()
  const partial = `${folder}.partial-${process.pid}`
  await mkdir(partial, { recursive: true })
  await writeFile(join(partial, 'package.json'), '{"private":true}\n')
  const log = await open(join(partial, 'install.log'), 'w')
  const ticking = setInterval(() => say('… still fetching and building the browser-served VS Code'), 20_000)
  const status = await run(
    'npm',
    ['install', `code-server@${VERSION}`, '--foreground-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: partial,
      stdio: ['ignore', log.fd, log.fd],
      env: {
        ...withoutOuterNpm(),
        PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
        npm_config_nodedir: headers,
      },
    },
  ).finally(() => {
    clearInterval(ticking)
    return log.close()
  })
  if (status !== 0) fail(`code-server ${VERSION} could not be installed; ${join(partial, 'install.log')} says why`)
  await writeFile(join(partial, '.complete'), '')
  await rm(folder, { recursive: true, force: true })
  await rename(partial, folder)
  return installed
}

export interface CodeServer {
  readonly url: string
  readonly process: ChildProcess
  stop(): Promise<void>
}

export interface CodeServerOptions {
  /** Home of this editor: user data and extensions live here. */
  readonly home: string
  /** 0 takes any free port. */
  readonly port?: number
  readonly extensions?: readonly string[]
  readonly settings?: Readonly<Record<string, unknown>>
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Starts the browser-served VS Code and waits until it answers. */
export async function startCodeServer(options: CodeServerOptions): Promise<CodeServer> {
  const folder = await ensureCodeServer()
  const userData = join(options.home, 'user-data')
  const extensions = join(options.home, 'extensions')
  await mkdir(join(userData, 'User'), { recursive: true })
  await mkdir(extensions, { recursive: true })
  await writeFile(join(options.home, 'config.yaml'), 'auth: none\n')
  await writeFile(
    join(userData, 'User', 'settings.json'),
    JSON.stringify(
      { 'remote.autoForwardPorts': false, 'workbench.startupEditor': 'none', ...options.settings },
      null,
      2,
    ),
  )
  const common = [
    '--config',
    join(options.home, 'config.yaml'),
    '--user-data-dir',
    userData,
    '--extensions-dir',
    extensions,
  ]
  const env = { ...process.env, HOME: options.home, ...options.env }
  for (const vsix of options.extensions ?? []) {
    const status = await run(process.execPath, [folder, ...common, '--install-extension', vsix], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    if (status !== 0) throw new Error(`the editor refused to install ${vsix}`)
  }
  const port = options.port || (await freePort())
  const flags = [
    '--auth',
    'none',
    '--disable-workspace-trust',
    '--disable-telemetry',
    '--disable-update-check',
    '--disable-getting-started-override',
  ]
  const child = spawn(
    process.execPath,
    [folder, ...common, '--bind-addr', `127.0.0.1:${port}`, ...flags, ...(options.args ?? [])],
    {
      env,
      cwd: root,
      stdio: ['ignore', 'ignore', 'ignore'],
    },
  )
  const url = `http://127.0.0.1:${port}`
  await waitUntilHealthy(url, child)
  return { url, process: child, stop: () => stop(child) }
}

async function waitUntilHealthy(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 30_000
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the editor ended with status ${child.exitCode} while starting`)
    const healthy = await fetch(`${url}/healthz`).then(
      (response) => response.ok,
      () => false,
    )
    if (healthy) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  child.kill('SIGKILL')
  throw new Error('the editor did not answer within 30 seconds')
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const killer = setTimeout(() => child.kill('SIGKILL'), 5000)
  await ended
  clearTimeout(killer)
}
