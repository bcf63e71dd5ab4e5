import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { RecordedTool } from '@gatehouse/contracts'

/** A server of the bench in its own process. */
export interface Child {
  readonly process: ChildProcess
  readonly hello: Record<string, unknown>
}

/** What a governed server says of itself when it starts. */
export interface Governed {
  readonly url: string
  readonly tools: readonly RecordedTool[]
  readonly surfaceDigest: string
}

/** Starts a bundled child and waits for its first message. @throws when it ends before it has said anything */
export async function startChild(file: string, args: readonly string[] = []): Promise<Child> {
  const child = fork(file, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: childOptions(file) })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${file} ended with ${String(code)}`)
  })
  ended.catch(() => undefined)
  const [hello] = (await Promise.race([once(child, 'message'), ended])) as [Record<string, unknown>]
  return { process: child, hello }
}

/** `GATEHOUSE_BENCH_PROFILE` names a folder: each server leaves a V8 processor profile there. */
function childOptions(file: string): string[] {
  const folder = process.env['GATEHOUSE_BENCH_PROFILE']
  return folder && !file.includes('authority') ? ['--cpu-prof', `--cpu-prof-dir=${folder}`] : []
}

/** Microseconds of processor time, user and system, since the child began. */
export async function processorTime(child: Child): Promise<number> {
  child.process.send('usage')
  const [usage] = (await once(child.process, 'message')) as [NodeJS.CpuUsage]
  return usage.user + usage.system
}
