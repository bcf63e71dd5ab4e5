import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '../..')

export interface FixtureProcess {
  readonly child: ChildProcess
  readonly pid: number
  /** Origin that it listens on. */
  readonly url: string
  /** Everything it wrote to stderr, its log. */
  log(): string
  /** Sends it a message and resolves with the next one it sends back. */
  ask<T>(message: string): Promise<T>
  /** Exit status, once it has ended. */
  readonly ended: Promise<number | null>
}

export interface FixtureProgram {
  /** A folder of its own, which goes when it is disposed of. */
  readonly folder: string
  start(environment: Record<string, string>, execArgv?: readonly string[]): Promise<FixtureProcess>
  /** Kills what still runs. */
  dispose(): Promise<void>
}

/** Bundles a program of the tests as the companion's are bundled, so that Node runs it in a process of its own. */
export async function bundleFixture(entry: string): Promise<FixtureProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-program-'))
  const program = join(folder, 'program.mjs')
  const running = new Set<ChildProcess>()
  await build({
    entryPoints: [join(root, entry)],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: ['@cedar-policy/cedar-wasm', 'pg-native'],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'silent',
  })
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  return {
    folder,
    async start(environment, execArgv = []) {
      const child = fork(program, [], {
        execArgv: [...execArgv],
        env: { PATH: process.env['PATH'] ?? '', ...environment },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      })
      running.add(child)
      const out = { stdout: '', stderr: '' }
      child.stdout?.on('data', (chunk: Buffer) => (out.stdout += chunk.toString()))
      child.stderr?.on('data', (chunk: Buffer) => (out.stderr += chunk.toString()))
      const ended = once(child, 'close').then(([status]) => {
        running.delete(child)
        return status as number | null
      })
      const url = await new Promise<string>((resolve, reject) => {
        child.stdout?.on('data', () => {
          const line = /^\{"kind":"listening".*$/m.exec(out.stdout)?.[0]
          if (line) resolve((JSON.parse(line) as { url: string }).url)
        })
        void ended.then(() => reject(new Error(`it ended before it listened:\n${out.stderr}`)))
      })
      return {
        child,
        pid: child.pid ?? 0,
        url,
        log: () => out.stderr,
        async ask<T>(message: string) {
          const answer = once(child, 'message')
          child.send(message)
          return (await answer)[0] as T
        },
        ended,
      }
    },
    async dispose() {
      for (const child of running) {
        child.kill('SIGKILL')
        await once(child, 'close')
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}
