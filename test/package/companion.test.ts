import { execFile } from 'node:child_process'
import { chmod, cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { verifies } from '../requirements.ts'

const run = promisify(execFile)
const INSTALL_LIMIT = 150_000
const SLOW = 240_000

/** The companion as "Open Companion Workspace" copies it, far from this repository's node_modules. */
let home: string
let data: string
let command: typeof import('../cli/command.ts')
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'gatehouse-companion-'))
  // As a folder of a person is: another user, whom root runs PostgreSQL as, may pass through.
  await chmod(home, 0o755)
  data = join(home, 'data')
  const folder = join(home, 'gatehouse-companion')
  const own = resolve('dist/companion/node_modules')
  await cp('dist/companion', folder, { recursive: true, filter: (path) => resolve(path) !== own })
  await run('npm', ['ci', '--ignore-scripts=false', '--no-audit', '--no-fund'], {
    cwd: folder,
    env: withoutRepository(),
    timeout: INSTALL_LIMIT,
  })
  vi.stubEnv('GATEHOUSE_TEST_COMPANION', folder)
  vi.stubEnv('NODE_PATH', undefined)
  command = await import('../cli/command.ts')
}, SLOW)
afterAll(async () => {
  vi.unstubAllEnvs()
  const moved = await readFile(join(data, 'postgres/moved-to.txt'), 'utf8').catch(() => '')
  if (moved !== '') await rm(moved.trim(), { recursive: true, force: true })
  await rm(home, { recursive: true, force: true, maxRetries: 5 })
})

/** Without what `npm test` tells its children of this repository; with its Node. */
function withoutRepository(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_PATH$|INIT_CWD$)/i.test(name))
  return { ...Object.fromEntries(kept), PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` }
}

/** Every process below `pid`. */
async function descendants(pid: number): Promise<number[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid='])
  const pairs = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  const children = pairs.flatMap(([child, parent]) => (parent === pid && child !== undefined ? [child] : []))
  return [...children, ...(await Promise.all(children.map(descendants))).flat()]
}

test(
  'the companion stands alone: it installs from its own lockfile, starts, serves a call, and stops without leaving a process',
  async () => {
    verifies('OPS-1.1')
    const up = new command.Up('--port', '0', '--data', data)
    try {
      const ready = await up.ready()
      expect(Object.keys(ready.servers)).toContain('presto')
      const started = await descendants(up.child.pid ?? 0)
      expect(started.length).toBeGreaterThan(3)

      const args = ['--server', 'presto', '--tool', 'search_tables', '--args', '{"words":"revenue"}']
      const called = await command.gatehouse('call', '--data', data, ...args)
      expect(called.status, called.stderr).toBe(0)
      expect(called.stdout).toContain('campaign_revenue')

      expect(await up.end('SIGTERM')).toBe(0)
      expect(await command.gone(started)).toBe(true)
    } finally {
      if (up.child.exitCode === null && up.child.signalCode === null) await up.end('SIGTERM')
    }
  },
  SLOW,
)
