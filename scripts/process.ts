import { type SpawnOptions, spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'

export const root = join(import.meta.dirname, '..')

/** One clear line for the person at the terminal. */
export function say(line: string): void {
  process.stderr.write(`gatehouse: ${line}\n`)
}

/** Ends the command with one clear line. */
export function fail(line: string): never {
  say(line)
  process.exit(1)
}

/** Runs a program to its end. @returns the exit status, 1 where a signal ended it */
export function run(command: string, args: readonly string[], options: SpawnOptions = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options })
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
}

/** Runs a program of node_modules/.bin under Node 24. */
export function runTool(tool: string, args: readonly string[], options: SpawnOptions = {}): Promise<number> {
  return run(join(root, 'node_modules', '.bin', tool), args, options)
}

/** Full path of a program on the PATH. */
export async function which(program: string): Promise<string | undefined> {
  const { access, constants } = await import('node:fs/promises')
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, program)
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  return undefined
}
